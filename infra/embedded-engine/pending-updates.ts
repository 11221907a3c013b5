/**
 * Updates of features.<view> after the saved state, of entities that are not in memory: a restart
 * reads what they say of the whole view, and decodes the rest when the entity is loaded.
 */
import type { StoredUpdate, UpdateSchema } from '#domain/encoding/stored-updates.ts';

interface Pending {
  readonly schema: UpdateSchema;
  readonly value: Uint8Array;
}

/** The updates of some entities of a part. */
export interface LaterUpdates {
  /** in the order of the log */
  readonly updates: readonly StoredUpdate[];
  /** they are in the store */
  readonly applied: () => void;
}

/** More updates than this are applied at once: each takes about 300 bytes here. */
const MOST = 1_000_000;

export class PendingUpdates {
  private readonly byPart = new Map<number, Map<string, Pending[]>>();
  private count = 0;

  isFull(): boolean {
    return this.count >= MOST;
  }

  add(part: number, key: string, schema: UpdateSchema, value: Uint8Array): void {
    this.count++;
    let byKey = this.byPart.get(part);
    if (byKey === undefined) this.byPart.set(part, (byKey = new Map()));
    const list = byKey.get(key);
    if (list === undefined) byKey.set(key, [{ schema, value }]);
    else list.push({ schema, value });
  }

  has(part: number, key: string): boolean {
    return this.byPart.get(part)?.has(key) === true;
  }

  of(part: number, wants: (key: string) => boolean): LaterUpdates {
    const byKey = this.byPart.get(part);
    const updates: StoredUpdate[] = [];
    const keys: string[] = [];
    for (const [key, list] of byKey ?? []) {
      if (!wants(key)) continue;
      keys.push(key);
      for (const { schema, value } of list) updates.push(schema.decode(value));
    }
    return {
      updates,
      applied: () => {
        this.count -= updates.length;
        for (const key of keys) byKey?.delete(key);
        if (byKey?.size === 0) this.byPart.delete(part);
      },
    };
  }

  /** The parts that have some. */
  parts(): readonly number[] {
    return [...this.byPart.keys()];
  }
}
