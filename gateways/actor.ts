/**
 * The name that a caller gives itself in `x-millrace-actor`, where callers are not authenticated.
 */
import { fail } from '#domain/errors.ts';

const NAME = 'x-millrace-actor';
const MAX_LENGTH = 200;

/** The actor of a caller that gives no name. */
export const ANONYMOUS = 'anonymous@loopback';

/**
 * @param value undefined or empty: the caller gave no name
 * @param place how the protocol calls the place of the name
 * @throws MillraceError MR_PARAMETER_INVALID
 */
export const parseActor = (value: string | undefined, place: 'header' | 'metadata'): string => {
  if (value === undefined || value === '') return ANONYMOUS;
  if (value.length > MAX_LENGTH || /\p{Cc}|\ufffd/u.test(value))
    return fail(
      'MR_PARAMETER_INVALID',
      `${place} ${NAME} must be printable UTF-8 of at most ${MAX_LENGTH} characters`,
      { parameter: NAME },
    );
  return value;
};
