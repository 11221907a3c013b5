/**
 * A block read from a store (packed-entity.ts has the layout). Its parts are decoded on use,
 * because most reads need the values of one tile only (packed-reader.ts); whether the bytes are a
 * block is checked at once.
 */

import type { ViewPlan } from '#domain/plan/plan.ts';
import {
  FORM,
  HEAD_DOUBLES,
  HEAD_KEPT_FROM,
  HEAD_NEWEST,
  NO_REFS,
  type PackedEntity,
  type PackedTiles,
  TILE_DOUBLES,
} from './packed-entity.ts';
import { packedRefs } from './packed-refs.ts';

const TAIL = 6;

const one = new Float64Array(1);
const octets = new Uint8Array(one.buffer);
const doubleAt = (bytes: Uint8Array, place: number): number => {
  for (let i = 0, from = place * 8; i < 8; i++) octets[i] = bytes[from + i] as number;
  return one[0] as number;
};

/** The references of the tail; undefined where the bytes are not such a tail. */
const tailOf = (bytes: Uint8Array, plan: ViewPlan): unknown[][][] | undefined => {
  try {
    const refs = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
    ) as unknown;
    return Array.isArray(refs) && refs.length === plan.hops.length && refs.every(Array.isArray)
      ? refs
      : undefined;
  } catch {
    return undefined;
  }
};

/** An aligned copy if needed: a client's buffer may begin anywhere in its pool. */
const doublesOf = (bytes: Uint8Array): Float64Array => {
  const copy = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.prototype.slice.call(bytes);
  return new Float64Array(copy.buffer, copy.byteOffset, Math.floor(copy.length / 8));
};

const hopsOf = (plan: ViewPlan, bytes: Uint8Array, refs: unknown[][][] | null): PackedTiles[] => {
  const all = doublesOf(bytes);
  let at = HEAD_DOUBLES;
  const take = (length: number): Float64Array => {
    const part = all.subarray(at, at + length);
    at += length;
    return part;
  };
  return plan.hops.map((hop, h): PackedTiles => {
    const count = all[at++] as number;
    return {
      tileNo: take(count),
      newest: take(count),
      causePartition: take(count),
      causeOffset: take(count),
      nums: take(count * hop.nums),
      fixed: take(count * packedRefs(hop).width),
      refs: refs?.[h] ?? NO_REFS,
    };
  });
};

/** The bytes must not change while the block is in use. */
export class StoredBlock implements PackedEntity {
  readonly bytes: Uint8Array;
  private readonly plan: ViewPlan;
  private readonly refs: unknown[][][] | null;
  private decoded: readonly PackedTiles[] | null = null;

  constructor(plan: ViewPlan, bytes: Uint8Array, refs: unknown[][][] | null) {
    this.plan = plan;
    this.bytes = bytes;
    this.refs = refs;
  }

  get partition(): number {
    return doubleAt(this.bytes, 1);
  }
  get offset(): number {
    return doubleAt(this.bytes, 2);
  }
  get whole(): boolean {
    return doubleAt(this.bytes, 3) === 1;
  }
  get newest(): number {
    return doubleAt(this.bytes, HEAD_NEWEST);
  }
  get keptFrom(): number {
    return doubleAt(this.bytes, HEAD_KEPT_FROM);
  }
  get since(): PackedEntity['since'] {
    const offset = doubleAt(this.bytes, 7);
    return offset < 0
      ? null
      : { offset, hop: doubleAt(this.bytes, 8), tileNo: doubleAt(this.bytes, 9) };
  }
  get hops(): readonly PackedTiles[] {
    this.decoded ??= hopsOf(this.plan, this.bytes, this.refs);
    return this.decoded;
  }
}

/** Whether the hops' counts add up to the end of the doubles; wrong counts do not. */
const fits = (plan: ViewPlan, bytes: Uint8Array, end: number): boolean => {
  let at = HEAD_DOUBLES;
  for (let h = 0; h < plan.hops.length; h++) {
    const hop = plan.hops[h] as ViewPlan['hops'][number];
    const count = at < end ? doubleAt(bytes, at) : -1;
    if (!(count >= 0 && count < end)) return false;
    at += 1 + count * (TILE_DOUBLES + hop.nums + packedRefs(hop).width);
  }
  return at === end;
};

/** Null where the bytes have another form; callers treat such a block as absent. */
export const unpackEntity = (plan: ViewPlan, bytes: Uint8Array): PackedEntity | null => {
  if (bytes.length < HEAD_DOUBLES * 8 || doubleAt(bytes, 0) !== FORM) return null;
  const tail = doubleAt(bytes, TAIL);
  if (!(tail >= 0 && tail <= bytes.length) || !fits(plan, bytes, (bytes.length - tail) / 8))
    return null;
  const refs = tail === 0 ? null : tailOf(bytes.subarray(bytes.length - tail), plan);
  return refs === undefined ? null : new StoredBlock(plan, bytes, refs);
};
