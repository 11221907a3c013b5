/** The caller of an HTTP request, and whether it is on the server's machine. */
import type { FastifyRequest } from 'fastify';
import type { Caller } from '#domain/api/caller.ts';
import { fail } from '#domain/errors.ts';
import { ACTOR, budgetOwner, callerWith, ownActor } from '#gateways/shared/caller.ts';

/** Node decodes HTTP headers as Latin-1; clients send names in UTF-8. */
const utf8Header = (header: string | string[] | undefined): string | undefined =>
  header === undefined ? undefined : Buffer.from(String(header), 'latin1').toString('utf8');

export const callerOf = ({ principal, span, id, headers }: FastifyRequest): Caller =>
  callerWith(
    principal?.actor ?? ownActor('header', utf8Header(headers[ACTOR])),
    id,
    principal,
    span === null ? null : span.context,
  );

/** Of a caller with budgets of its own; undefined: it is not authenticated. */
export const callerId = ({ principal }: FastifyRequest): string | undefined =>
  budgetOwner(principal);

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined &&
  (address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.'));

/**
 * For paths in a request, which are paths on the server's machine.
 *
 * @throws MR_REFUSED for any other caller
 */
export const requireSameMachine = (request: FastifyRequest, what: string): void => {
  if (isLoopback(request.address)) return;
  fail(
    'MR_REFUSED',
    `${what} names a file on the server's machine, which only callers on that machine may do: send rows, and fetch the data`,
    { what },
  );
};
