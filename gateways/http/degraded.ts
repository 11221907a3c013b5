/**
 * The degraded modes of an answer as a header: for load balancers and proxies, and for protocols
 * such as Feast's, whose bodies have no field for them.
 */
import type { FastifyReply } from 'fastify';
import type { ReadResult } from '#domain/api/serving.ts';

const DEGRADED_HEADER = 'x-millrace-degraded';

export const setDegradedHeader = (
  reply: FastifyReply,
  { degraded }: Pick<ReadResult, 'degraded'>,
): void => {
  if (degraded !== undefined) reply.header(DEGRADED_HEADER, degraded.join(', '));
};
