import type { FastifyReply } from 'fastify';

/** Aborted when the client has gone. */
export const whileConnected = (reply: FastifyReply): AbortSignal => {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
};
