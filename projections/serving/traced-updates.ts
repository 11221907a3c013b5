/**
 * The newest traced update of each entity that no read has shown yet: so the trace of a producer's
 * event can end with the read that shows it. Bounded, and there only while traces are on: what is
 * forgotten lacks that last span, nothing else.
 */
import type { TraceContext } from '#domain/ports/tracing.ts';

/**
 * What one commit, or one batch of a projection, made of one traced append for one view's
 * generation.
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
  /** from when on a read could show it, epoch ms */
  readonly readableAt: number;
}

export interface TracedUpdates {
  readonly note: (update: TracedUpdate) => void;
  /** What is noted from here on, a read that starts now may not show. */
  readonly mark: () => number;
  /** Whether anything of a view waits to be shown. */
  readonly waits: (view: string) => boolean;
  /**
   * The updates that a read of these entities, started at `mark`, is the first to show: each is
   * given once.
   */
  readonly shown: (
    view: string,
    generation: number,
    keys: readonly string[],
    mark: number,
  ) => readonly TracedUpdate[];
}

interface Noted {
  readonly update: TracedUpdate;
  readonly number: number;
  shown: boolean;
}

const MOST = 10_000;
/** An entity that no one reads must not be looked for in every read of its view for ever. */
const KEPT_MS = 600_000;

export const createTracedUpdates = (most = MOST): TracedUpdates => {
  const byView = new Map<string, Map<string, Noted>>();
  let count = 0;

  const forgetOldest = (keys: Map<string, Noted>, now: number): void => {
    for (const [key, { update }] of keys) {
      if (keys.size <= most && update.readableAt > now - KEPT_MS) return;
      keys.delete(key);
    }
  };

  return {
    note(update) {
      const noted = { update, number: ++count, shown: false };
      let keys = byView.get(update.view);
      if (keys === undefined) byView.set(update.view, (keys = new Map()));
      for (const key of update.keys) {
        // the newest is the last in the map's order
        keys.delete(key);
        keys.set(key, noted);
      }
      forgetOldest(keys, update.readableAt);
    },
    mark: () => count,
    waits: (view) => (byView.get(view)?.size ?? 0) > 0,
    shown(view, generation, keys, mark) {
      const waiting = byView.get(view);
      if (waiting === undefined) return [];
      const found: TracedUpdate[] = [];
      for (const key of keys) {
        const noted = waiting.get(key);
        if (noted === undefined || noted.number > mark || noted.update.generation !== generation)
          continue;
        waiting.delete(key);
        if (noted.shown) continue;
        noted.shown = true;
        found.push(noted.update);
      }
      return found;
    },
  };
};
