/** A statement exceeded a limit, and is refused whole. */
import { MillraceError } from '#domain/errors.ts';

export const tooMuchMemory = (memoryMb: number): MillraceError =>
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
