/** Queries of events that a table no longer has. */
import type { EventQuery } from '#domain/ports/history.ts';
import { type Horizon, refuseTrimmed } from '#domain/sources/horizon.ts';
import { formatTime } from '#domain/values/time.ts';
import { horizonOf } from './metadata.ts';
import type { PinnedTable } from './pinned-table.ts';

/** null: the table has all events, or there is none. */
export const horizonIn = (table: PinnedTable | null): Horizon | null =>
  table === null ? null : horizonOf(table.snapshot);

/** @throws MR_HISTORY_TRIMMED where the query needs events that were deleted */
export const withEvents = (
  table: PinnedTable | null,
  { source, from = Number.NEGATIVE_INFINITY, remaining = false }: EventQuery,
): PinnedTable | null => {
  const horizon = horizonIn(table);
  if (horizon === null || remaining || from >= horizon.time) return table;
  const needs = Number.isFinite(from) ? `events from ${formatTime(from)} on` : 'all events';
  return refuseTrimmed(source, horizon.time, `The answer needs ${needs}`);
};
