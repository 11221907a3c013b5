/** The erasures that were requested: a read model of the registry's commits. */
import {
  type ErasureEvent,
  type ErasureRecord,
  evolveErasure,
  isErasureStream,
} from '#domain/erasure/erasure.ts';
import type { Commit } from '#domain/ports/event-store.ts';

export interface ErasureIndex {
  /** To be called with every commit, in order. */
  readonly take: (commit: Commit) => void;
  readonly erasure: (id: string) => ErasureRecord | null;
  /** oldest first */
  readonly erasures: () => readonly ErasureRecord[];
}

export const createErasureIndex = (): ErasureIndex => {
  const erasures = new Map<string, ErasureRecord>();
  return {
    take({ stream, events }) {
      if (!isErasureStream(stream) || events.length === 0) return;
      const id = stream.slice(stream.indexOf('/') + 1);
      const state = (events as readonly ErasureEvent[]).reduce(
        evolveErasure,
        erasures.get(id) ?? null,
      );
      if (state !== null) erasures.set(id, state);
    },
    erasure: (id) => erasures.get(id) ?? null,
    erasures: () => [...erasures.values()],
  };
};
