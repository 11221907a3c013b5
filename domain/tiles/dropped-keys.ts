/**
 * The entities that a store has dropped from memory, as 32-bit hashes of their keys: four bytes
 * each, at most half of a table that doubles. `mayHave` is never wrong about a key that was added;
 * it is true for a few others, too, and for every key once the table would be larger than
 * MAX_SLOTS. So a store asks it whether an answer must come from raw events, which are always
 * right.
 */
import { keyHash } from './key-hash.ts';

const FIRST_SLOTS = 1024;
/** 2^25 slots of 4 bytes: 128 MiB, for 16 million keys */
const MAX_SLOTS = 2 ** 25;

/** Never 0, which marks a free slot. */
const hashOf = (key: string): number => keyHash(key) || 1;

export class DroppedKeys {
  private readonly maxSlots: number;
  private slots = new Uint32Array(0);
  private used = 0;
  private all = false;

  constructor(maxSlots = MAX_SLOTS) {
    this.maxSlots = maxSlots;
  }

  get isEmpty(): boolean {
    return this.used === 0 && !this.all;
  }

  /** How many hashes there are; ∞: every key may have been dropped. It only grows. */
  get size(): number {
    return this.all ? Number.POSITIVE_INFINITY : this.used;
  }

  mayHave(key: string): boolean {
    if (this.all) return true;
    if (this.used === 0) return false;
    return this.slots[this.slotOf(hashOf(key))] !== 0;
  }

  add(key: string): void {
    if (!this.all) this.addHash(hashOf(key));
  }

  private slotOf(hash: number): number {
    const mask = this.slots.length - 1;
    let at = hash & mask;
    while (this.slots[at] !== 0 && this.slots[at] !== hash) at = (at + 1) & mask;
    return at;
  }

  private addHash(hash: number): void {
    if (this.used * 2 >= this.slots.length && !this.grow()) return;
    const at = this.slotOf(hash);
    if (this.slots[at] === hash) return;
    this.slots[at] = hash;
    this.used++;
  }

  private grow(): boolean {
    const before = this.slots;
    const length = Math.max(FIRST_SLOTS, before.length * 2);
    if (length > this.maxSlots) {
      this.all = true;
      this.slots = new Uint32Array(0);
      this.used = 0;
      return false;
    }
    this.slots = new Uint32Array(length);
    for (const hash of before) if (hash !== 0) this.slots[this.slotOf(hash)] = hash;
    return true;
  }

  /** The hashes; null: every key may have been dropped. */
  hashes(): Uint32Array | null {
    return this.all ? null : this.slots.filter((hash) => hash !== 0);
  }

  /** Adds what `hashes` returned. */
  addHashes(hashes: Uint32Array | null): void {
    if (hashes !== null) {
      for (const hash of hashes) if (!this.all) this.addHash(hash);
      return;
    }
    this.all = true;
    this.slots = new Uint32Array(0);
    this.used = 0;
  }
}
