/**
 * A 64-bit hash of a value: MurmurHash3 (x86, 32 bits; Appleby, public domain) with two seeds. Text
 * is hashed by its UTF-16 code units and a number by the bits of its double, so neither needs
 * encoding. The Java counterpart, io.millrace.flink.HashValue, gives the same hashes.
 */
import type { Scalar } from '#domain/values/value.ts';

interface Hash {
  /** 32 bits each, signed */
  readonly high: number;
  readonly low: number;
}

const SEED_HIGH = 0;
const SEED_LOW = 0x5bd1e995;

const mixIn = (hash: number, block: number): number => {
  const k = Math.imul(block, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
};

const finish = (hash: number, bytes: number): number => {
  let h = hash ^ bytes;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
};

const ofText = (text: string, seed: number): number => {
  let hash = seed;
  const pairs = text.length & ~1;
  for (let i = 0; i < pairs; i += 2)
    hash = mixIn(hash, text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
  if (pairs < text.length) {
    const k = Math.imul(text.charCodeAt(pairs), 0xcc9e2d51);
    hash ^= Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  }
  return finish(hash, text.length * 2);
};

const bits = new Float64Array(1);
const words = new Int32Array(bits.buffer);

const ofWords = (seed: number): number =>
  finish(mixIn(mixIn(seed, words[0] as number), words[1] as number), 8);

/** An unsigned 32-bit hash of an event's position. The Java counterpart: functions/PlaceHash. */
export const placeHash = (partition: number, offset: number): number =>
  finish(mixIn(mixIn(mixIn(SEED_LOW, partition), offset | 0), Math.floor(offset / 2 ** 32)), 12) >>>
  0;

export const hashOf = (value: Scalar): Hash => {
  if (typeof value === 'string')
    return { high: ofText(value, SEED_HIGH), low: ofText(value, SEED_LOW) };
  // −0 is 0
  bits[0] = Number(value) + 0;
  return { high: ofWords(SEED_HIGH), low: ofWords(SEED_LOW) };
};
