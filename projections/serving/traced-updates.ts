/**
 * The newest traced update of each entity that no read has shown yet, in memory and bounded: what
 * is dropped costs a trace its last span, nothing else.
 */
import type { TracedUpdate, TracedUpdates } from '#domain/ports/traced-updates.ts';

interface Noted {
  readonly update: TracedUpdate;
  readonly number: number;
  shown: boolean;
}

const MOST = 10_000;
/** An entity that no read requests must not cost every read of its view a look-up for ever. */
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
        // The newest comes last in the map's order.
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
