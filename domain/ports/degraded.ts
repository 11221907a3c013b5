/**
 * Degraded modes: what may be missing while answers stay right. A closed list; an answer names
 * those that it was made in, and names none where all is as usual. What each means for a reader is
 * in docs/guides/model-serving.md, which a test holds to this table.
 */
export const DEGRADED_MODES = [
  /** the cache tier does not answer, or not within its budget: the durable tier answers */
  'cache-unavailable',
  /**
   * the cache tier answers, but its copy is not complete (it was emptied, or is new): the durable
   * tier answers
   */
  'cache-filling',
  /** the durable tier does not answer: raw events answer for what the cache tier has not got */
  'durable-unavailable',
  /** the durable tier does not answer within its budget: as above */
  'durable-slow',
  /** no store could tell: raw events were folded, which takes longer and is as fresh as the log */
  'history-fold',
  /** the computation of a view stands still: its values stay as they were */
  'engine-stalled',
  /** a view lacks events that were accepted long ago, for whatever reason */
  'behind',
  /** the event store does not answer: definitions as they were last known */
  'registry-stale',
  /** the log does not answer: nothing is published, and what needs raw events is refused */
  'log-unavailable',
] as const;

export type DegradedMode = (typeof DEGRADED_MODES)[number];

/** A set of modes, as bits: to tell that there is none costs a read nothing. */
export type Degraded = number;

export const NOT_DEGRADED: Degraded = 0;

export const degraded = (mode: DegradedMode): Degraded => 1 << DEGRADED_MODES.indexOf(mode);

const known = new Map<Degraded, readonly DegradedMode[]>();

/** The modes of a set, in the order of the table; the same list for the same set. */
export const modesOf = (set: Degraded): readonly DegradedMode[] => {
  const found = known.get(set);
  if (found !== undefined) return found;
  const modes = DEGRADED_MODES.filter((_, bit) => (set & (1 << bit)) !== 0);
  known.set(set, modes);
  return modes;
};
