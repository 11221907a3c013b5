/** Who asks. Until there are keys, a caller names itself; one that does not is anonymous. */
import type { FastifyRequest } from 'fastify';
import { fail } from '#domain/errors.ts';
import type { Caller } from '#gateways/platform.ts';

const ANONYMOUS = 'anonymous@loopback';
const MAX_ACTOR = 200;

/** HTTP headers arrive as Latin-1; clients send names in UTF-8. */
const utf8Header = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');

const named = ({ id, span }: FastifyRequest, actor: string): Caller =>
  span === null ? { actor, requestId: id } : { actor, requestId: id, trace: span.context };

export const callerOf = (request: FastifyRequest): Caller => {
  const header = request.headers['x-millrace-actor'];
  if (header === undefined || header === '') return named(request, ANONYMOUS);
  const actor = utf8Header(String(header));
  if (actor.length > MAX_ACTOR || /\p{Cc}|\ufffd/u.test(actor)) {
    return fail('MR_PARAMETER_INVALID', `header x-millrace-actor must be printable UTF-8 of at most ${MAX_ACTOR} characters`, {
      parameter: 'x-millrace-actor',
    });
  }
  return named(request, actor);
};

export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && (address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.'));

/** Paths in a request are paths of the server's machine: only those who are on it may name them. */
export const requireSameMachine = (request: FastifyRequest, what: string): void => {
  if (isLoopback(request.socket.remoteAddress)) return;
  fail(
    'MR_REFUSED',
    `${what} names a file of the server's machine, which only callers on that machine may do: send rows, and fetch the data`,
    { what },
  );
};
