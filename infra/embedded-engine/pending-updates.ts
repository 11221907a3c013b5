/**
 * Updates of features.<view> after the saved state, by part, until the part is loaded: a restart
 * reads what they say of the whole view, and decodes the rest when it is needed.
 */
import type { StoredUpdate, UpdateSchema } from '#domain/encoding/stored-updates.ts';

interface Pending {
  readonly schema: UpdateSchema;
  readonly value: Uint8Array;
}

/** More updates than this are applied at once: their records take about 250 bytes each. */
const MOST = 1_000_000;

export class PendingUpdates {
  private readonly byPart = new Map<number, Pending[]>();
  private count = 0;

  isFull(): boolean {
    return this.count >= MOST;
  }

  add(part: number, schema: UpdateSchema, value: Uint8Array): void {
    this.count++;
    const list = this.byPart.get(part);
    if (list === undefined) this.byPart.set(part, [{ schema, value }]);
    else list.push({ schema, value });
  }

  /** Decodes those of a part, in the order of the log. */
  of(part: number): readonly StoredUpdate[] {
    return this.byPart.get(part)?.map(({ schema, value }) => schema.decode(value)) ?? [];
  }

  remove(part: number): void {
    this.count -= this.byPart.get(part)?.length ?? 0;
    this.byPart.delete(part);
  }

  /** The parts that have some. */
  parts(): readonly number[] {
    return [...this.byPart.keys()];
  }
}
