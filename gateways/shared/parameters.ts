/**
 * Values of a request that come as text, such as those of a path or a query string, read into what
 * the platform takes. A refusal names the parameter.
 */
import type { Kind } from '#domain/definitions/model.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { parseTime } from '#domain/values/time.ts';
import { findKind, unknownKind } from './kinds.ts';

/** @returns epoch ms. @throws MR_TIME_INVALID */
export const timeOf = (name: string, value: string | number): number => {
  try {
    return parseTime(value);
  } catch (error) {
    if (error instanceof MillraceError)
      throw new MillraceError(error.code, `"${name}": ${error.message}`, {
        ...error.details,
        parameter: name,
      });
    throw error;
  }
};

export const optionalTime = (
  name: string,
  value: string | number | undefined,
): number | undefined => (value === undefined ? undefined : timeOf(name, value));

/** @throws MR_PARAMETER_INVALID unless it is a whole number from `least` to `most` */
export const wholeNumber = (
  name: string,
  value: string,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
): number => {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  return fail(
    'MR_PARAMETER_INVALID',
    `"${name}" must be a whole number from ${least} to ${most}, not ${JSON.stringify(value)}`,
    { parameter: name, value },
  );
};

export const optionalWholeNumber = (
  name: string,
  value: string | undefined,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined => (value === undefined ? undefined : wholeNumber(name, value, least, most));

const MAX_PAGE = 10_000;

/** The `limit` of a page of a list. */
export const pageLimit = (value: string | undefined): number | undefined =>
  optionalWholeNumber('limit', value, 1, MAX_PAGE);

/** @throws MR_PARAMETER_INVALID if there is no such kind */
export const kindOf = (name: string): Kind =>
  findKind(name) ??
  fail('MR_PARAMETER_INVALID', unknownKind(name), { parameter: 'kind', value: name });
