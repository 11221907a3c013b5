/**
 * The caller of a request, for every protocol. With authentication, the actor is the name of the
 * key or token. Without it, the caller may name itself in `x-millrace-actor`; otherwise it is
 * anonymous.
 */
import type { Caller } from '#domain/api/caller.ts';
import { OPEN, type Principal } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import type { TraceContext } from '#domain/ports/tracing.ts';

export const ACTOR = 'x-millrace-actor';
export const ANONYMOUS = 'anonymous@loopback';
const MAX_ACTOR = 200;

/**
 * @param place how the protocol calls the field: "header" or "metadata"
 * @param given the field's value, decoded as UTF-8
 * @throws MR_PARAMETER_INVALID if the name is too long or not printable
 */
export const ownActor = (place: 'header' | 'metadata', given: unknown): string => {
  if (given === undefined || given === '') return ANONYMOUS;
  if (typeof given === 'string' && given.length <= MAX_ACTOR && !/\p{Cc}|\ufffd/u.test(given))
    return given;
  return fail(
    'MR_PARAMETER_INVALID',
    `${place} ${ACTOR} must be printable UTF-8 of at most ${MAX_ACTOR} characters`,
    { parameter: ACTOR },
  );
};

/** @param principal null without authentication. @param trace null if it is not traced */
export const callerWith = (
  actor: string,
  requestId: string,
  principal: Principal | null,
  trace: TraceContext | null,
): Caller => {
  if (principal === null)
    return trace === null ? { actor, requestId } : { actor, requestId, trace };
  return trace === null ? { actor, requestId, principal } : { actor, requestId, principal, trace };
};

/** Who has budgets of its own; undefined: a caller that is not authenticated has none. */
export const budgetOwner = (principal: Principal | null | undefined): string | undefined =>
  principal === null || principal === undefined || principal === OPEN ? undefined : principal.id;
