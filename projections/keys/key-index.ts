/**
 * The key index: API keys by id. A read model of the registry's commits, which the catalog passes
 * on as it reads them, so both are at the same position.
 */
import {
  evolveKey,
  isKeyStream,
  type KeyEvent,
  type KeyState,
} from '#domain/authorization/keys.ts';
import type { Commit } from '#domain/ports/event-store.ts';

export interface KnownKey extends KeyState {
  readonly createdBy: string;
  readonly revokedBy: string | null;
}

export interface KeyIndex {
  /** To be called with every commit, in order. */
  readonly take: (commit: Commit) => void;
  /** changes whenever a key does; 0: there has never been one */
  readonly epoch: () => number;
  readonly key: (id: string) => KnownKey | null;
  /** oldest first, revoked ones included */
  readonly all: () => readonly KnownKey[];
}

export const createKeyIndex = (): KeyIndex => {
  const keys = new Map<string, KnownKey>();
  let epoch = 0;
  return {
    take({ stream, events, command }) {
      if (events.length === 0 || !isKeyStream(stream)) return;
      const id = stream.slice(stream.indexOf('/') + 1);
      const before = keys.get(id) ?? null;
      const state = (events as readonly KeyEvent[]).reduce(evolveKey, before as KeyState | null);
      if (state === null) return;
      const revokedBy = state.revokedAt === null ? null : (before?.revokedBy ?? command.actor);
      keys.set(id, { ...state, createdBy: before?.createdBy ?? command.actor, revokedBy });
      epoch++;
    },
    epoch: () => epoch,
    key: (id) => keys.get(id) ?? null,
    all: () => [...keys.values()],
  };
};
