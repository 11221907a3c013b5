/**
 * Texts of a path or a query string, read into what the platform takes; a refusal names the
 * parameter.
 */
import type { Kind } from '#domain/definitions/model.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { parseTime } from '#domain/values/time.ts';

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
    {
      parameter: name,
      value,
    },
  );
};

export const optionalWholeNumber = (
  name: string,
  value: string | undefined,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined => (value === undefined ? undefined : wholeNumber(name, value, least, most));

export const MAX_PAGE = 10_000;
export const pageLimit = (value: string | undefined): number | undefined =>
  optionalWholeNumber('limit', value, 1, MAX_PAGE);

export const KINDS: readonly Kind[] = [
  'entity',
  'source',
  'feature-view',
  'on-demand-feature',
  'feature-service',
];

const BY_NAME: ReadonlyMap<string, Kind> = new Map(
  KINDS.flatMap((kind) => [
    [kind, kind],
    [kind === 'entity' ? 'entities' : `${kind}s`, kind],
  ]),
);

export const kindOf = (text: string): Kind =>
  BY_NAME.get(text) ??
  fail('MR_PARAMETER_INVALID', `"${text}" is not a kind: it is one of ${KINDS.join(', ')}`, {
    parameter: 'kind',
    value: text,
  });
