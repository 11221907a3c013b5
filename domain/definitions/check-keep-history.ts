/** How long a source keeps its history: what the option goes with. */
import { parseDuration } from '#domain/values/duration.ts';
import { checkDuration, type Report } from './check-context.ts';
import type { SourceDefinition } from './model.ts';

/** The history is deleted by days. */
const LEAST_MS = 86_400_000;

export const checkKeepHistory = (
  { name, keepHistory, dedupeWindow, dimension, knownTime }: SourceDefinition,
  invalid: (what: string) => void,
  report: Report,
): void => {
  if (keepHistory === undefined) return;
  const keptMs = checkDuration(keepHistory, `source ${name}: keepHistory`, LEAST_MS, report);
  if (keptMs === null) return;
  if (dimension !== undefined)
    invalid(
      'keepHistory does not go with dimension: the newest event of a row is its state, however old it is',
    );
  if (knownTime !== undefined)
    invalid(
      'keepHistory does not go with knownTime: imported events would be deleted, and with them what was known before this log',
    );
  try {
    if (dedupeWindow !== undefined && parseDuration(dedupeWindow) > keptMs)
      invalid(
        `keepHistory is ${keepHistory}, and ids are remembered for longer (dedupeWindow: ${dedupeWindow}): keep the history at least as long`,
      );
  } catch {
    // dedupeWindow is no duration, which is reported where it is checked.
  }
};
