/** What DuckDB refused, as errors of the platform, without paths of this machine. */
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import type { ProcessLimits } from './messages.ts';

/** Errors of the statement; their texts are about the statement and its values only. */
const OF_STATEMENT =
  /^(Binder|Catalog|Parser|Syntax|Conversion|Invalid Input|Invalid Type|Mismatch Type|Out of Range|Not implemented|Constraint|Parameter Not Resolved|Parameter Not Allowed|Sequence|Type|Invalid|Expression|Divide by Zero) (Error|Exception):\s*/i;

export const tooMuchMemory = ({ memoryMb }: Pick<ProcessLimits, 'memoryMb'>): MillraceError =>
  new MillraceError(
    'MR_SQL_LIMIT',
    `the statement needs more than the ${memoryMb} MB of memory that one may use: read fewer rows or columns, or group by fewer values`,
    { limit: 'memory', megabytes: memoryMb },
  );

export const tooLong = (seconds: number): MillraceError =>
  new MillraceError(
    'MR_SQL_LIMIT',
    `the statement took longer than ${seconds} s: read less, or allow more time`,
    { limit: 'seconds', seconds },
  );

export const tooManyRows = (rows: number): MillraceError =>
  new MillraceError(
    'MR_SQL_LIMIT',
    `the result has more than ${rows} rows: add a LIMIT or a condition, or allow more rows`,
    { limit: 'rows', rows },
  );

export const tooManyBytes = (megabytes: number): MillraceError =>
  new MillraceError(
    'MR_SQL_LIMIT',
    `the result is larger than ${megabytes} MB: read fewer rows or columns`,
    { limit: 'bytes', megabytes },
  );

export const rowTooLarge = (megabytes: number): MillraceError =>
  new MillraceError(
    'MR_SQL_LIMIT',
    `a row of the result is larger than ${megabytes} MB: read fewer columns, or parts of them`,
    { limit: 'row', megabytes },
  );

export const failureOf = (error: unknown, limits: ProcessLimits): MillraceError => {
  if (error instanceof MillraceError) return error;
  const message = messageOf(error);
  if (/^Out of Memory Error/i.test(message)) return tooMuchMemory(limits);
  if (/^Permission Error/i.test(message))
    return new MillraceError('MR_SQL_REFUSED', 'a statement can reach no files and no network');
  if (OF_STATEMENT.test(message))
    return new MillraceError('MR_SQL_INVALID', message.replace(OF_STATEMENT, '').trim());
  return new MillraceError(
    'MR_STORAGE_FAILED',
    'the statement failed while it was run; the log of the server has the reason',
    { cause: /^[\w ]+ (Error|Exception)/.exec(message)?.[0] ?? 'unknown' },
  );
};
