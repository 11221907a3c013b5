/**
 * The modes that an answer was made in, as a header: for balancers and proxies, and for protocols
 * whose bodies are not ours to add to.
 */
import type { FastifyReply } from 'fastify';
import type { ReadResult } from '#domain/api/serving.ts';

export const DEGRADED_HEADER = 'x-millrace-degraded';

export const sayDegraded = (
  reply: FastifyReply,
  { degraded }: Pick<ReadResult, 'degraded'>,
): void => {
  if (degraded !== undefined) reply.header(DEGRADED_HEADER, degraded.join(', '));
};
