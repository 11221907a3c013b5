/**
 * Degraded modes: what may fail while answers stay right. A closed list. An answer names the modes
 * that it was made in; a usual answer names none. docs/guides/model-serving.md says what each means
 * for a reader; a test compares it with this list.
 */
export const DEGRADED_MODES = [
  /** the cache tier does not answer within its timeout: the durable tier answers */
  'cache-unavailable',
  /** the cache tier is not complete, because it is new or was emptied: the durable tier answers */
  'cache-filling',
  /** the durable tier is unavailable: raw events answer for what the cache tier lacks */
  'durable-unavailable',
  /** the durable tier does not answer within its timeout: as above */
  'durable-slow',
  /**
   * no store could answer, or a new view is being filled: raw events were folded, which takes
   * longer and is as fresh as the log
   */
  'history-fold',
  /** the computation of a view has stopped: its values stay as they were */
  'engine-stalled',
  /** a view lacks events that were accepted long ago */
  'behind',
  /** the event store does not answer: definitions may be out of date */
  'registry-stale',
  /** the log does not answer: publishing fails, and so do reads that need raw events */
  'log-unavailable',
  /** stored times lead the machine's clock: a read's default time is the clock's */
  'clock-behind',
  /**
   * a table of the history is damaged or cannot be written, or a topic of the log is not the one
   * that it was: reads that need it fail
   */
  'history-unavailable',
  /** the disk is full: publishing and commands fail, reads go on */
  'disk-full',
  /** the process has almost no memory left: publishing and replays wait, reads go on */
  'memory-low',
] as const;

export type DegradedMode = (typeof DEGRADED_MODES)[number];

/** A set of modes, as bits: a read compares it with 0 at no cost. */
export type Degraded = number;

export const NOT_DEGRADED: Degraded = 0;

export const degraded = (mode: DegradedMode): Degraded => 1 << DEGRADED_MODES.indexOf(mode);

const lists = new Map<Degraded, readonly DegradedMode[]>();

/** The modes of a set, in the order of the table; the same list for the same set. */
export const modesOf = (set: Degraded): readonly DegradedMode[] => {
  const found = lists.get(set);
  if (found !== undefined) return found;
  const modes = DEGRADED_MODES.filter((_, bit) => (set & (1 << bit)) !== 0);
  lists.set(set, modes);
  return modes;
};
