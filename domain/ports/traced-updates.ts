/**
 * Traced updates that no read has shown yet: each waits, so that the trace of a producer's event
 * can end with the read that shows it. An update that is lost costs a trace its last span, nothing
 * else.
 */
import type { TraceContext } from './tracing.ts';

/**
 * What one commit, or one batch of a projection, changed for one traced append in one generation.
 */
export interface TracedUpdate {
  readonly view: string;
  readonly generation: number;
  /** encoded entity keys */
  readonly keys: readonly string[];
  /** the span that made it readable */
  readonly context: TraceContext;
  /** newest event time among its events, epoch ms */
  readonly eventTime: number;
  /** when the log accepted its events, epoch ms */
  readonly logTime: number;
  /** epoch ms: a read could show it from then on */
  readonly readableAt: number;
}

export interface TracedUpdates {
  readonly note: (update: TracedUpdate) => void;
  /** Marks the start of a read: it may not show what is noted after the mark. */
  readonly mark: () => number;
  /** Whether any update of a view waits to be shown. */
  readonly waits: (view: string) => boolean;
  /**
   * The updates that a read of these entities, started at `mark`, is the first to show: each is
   * returned once.
   */
  readonly shown: (
    view: string,
    generation: number,
    keys: readonly string[],
    mark: number,
  ) => readonly TracedUpdate[];
}
