/** What DuckDB refused, as errors of the platform, without paths of this machine. */
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { tooMuchMemory } from '#infra/shared/sql/limit-errors.ts';
import type { ProcessLimits } from './messages.ts';

/** Errors of the statement; their texts are about the statement and its values only. */
const OF_STATEMENT =
  /^(Binder|Catalog|Parser|Syntax|Conversion|Invalid Input|Invalid Type|Mismatch Type|Out of Range|Not implemented|Constraint|Parameter Not Resolved|Parameter Not Allowed|Sequence|Type|Invalid|Expression|Divide by Zero) (Error|Exception):\s*/i;

export const failureOf = (error: unknown, limits: ProcessLimits): MillraceError => {
  if (error instanceof MillraceError) return error;
  const message = messageOf(error);
  if (/^Out of Memory Error/i.test(message)) return tooMuchMemory(limits.memoryMb);
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
