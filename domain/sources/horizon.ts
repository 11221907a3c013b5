/**
 * Where the history of a source begins, once its older events were deleted (`keepHistory`). An
 * answer that needs an event from before the horizon is refused, never given without it.
 */
import { fail } from '#domain/errors.ts';
import { formatTime } from '#domain/values/time.ts';

export interface Horizon {
  /** by partition: the events below these offsets were deleted, and no others */
  readonly begin: readonly number[];
  /** epoch ms: each deleted event has an earlier event time */
  readonly time: number;
}

export const trimmedText = (source: string, time: number): string =>
  `the history of source "${source}" begins at ${formatTime(time)}: it keeps events for a limited time (keepHistory), and older ones were deleted`;

/** @throws MR_HISTORY_TRIMMED */
export const refuseTrimmed = (source: string, time: number, what: string): never =>
  fail('MR_HISTORY_TRIMMED', `${what}, and ${trimmedText(source, time)}`, {
    source,
    horizon: formatTime(time),
  });
