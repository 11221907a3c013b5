/**
 * Who asks. Where keys are asked for, the key's name; else a caller names itself, and one that does
 * not is anonymous.
 */
import type { FastifyRequest } from 'fastify';
import type { Caller } from '#domain/api/caller.ts';
import { fail } from '#domain/errors.ts';
import { parseActor } from '#gateways/actor.ts';

/** HTTP headers arrive as Latin-1; clients send names in UTF-8. */
const utf8Header = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');

const ownName = (header: string | string[] | undefined): string =>
  parseActor(header === undefined ? undefined : utf8Header(String(header)), 'header');

export const callerOf = (request: FastifyRequest): Caller => {
  const { principal, span, id: requestId } = request;
  const actor = principal?.actor ?? ownName(request.headers['x-millrace-actor']);
  if (principal === null)
    return span === null ? { actor, requestId } : { actor, requestId, trace: span.context };
  return span === null
    ? { actor, requestId, principal }
    : { actor, requestId, principal, trace: span.context };
};

export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined &&
  (address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.'));

/** Paths in a request are paths of the server's machine: only those who are on it may name them. */
export const requireSameMachine = (request: FastifyRequest, what: string): void => {
  if (isLoopback(request.socket.remoteAddress)) return;
  fail(
    'MR_REFUSED',
    `${what} names a file of the server's machine, which only callers on that machine may do: send rows, and fetch the data`,
    { what },
  );
};
