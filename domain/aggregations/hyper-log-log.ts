/**
 * approxCountDistinct(x): HyperLogLog with 2^p registers (default p = 12: a standard error of 1.04
 * ÷ √4096 = 1.6 %), a 64-bit hash made of two MurmurHash3 hashes (hash-value.ts), and Ertl's
 * estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6),
 * which needs no tables and uses one formula for small and large cardinalities.
 *
 * A register keeps the largest rank seen, so merging is a maximum: any order of events and tiles in
 * any engine gives the same registers, and equal registers give equal estimates. The plain data of
 * a state is text, equal for equal registers: `d` and one character for each register or, while
 * that is shorter, `s` and (index, rank) of each register that is not 0. Digits are those of
 * base64. The Java counterpart is io.millrace.flink.Registers.
 */
import { fieldType } from '#domain/values/field-type.ts';
import type { Scalar, Value } from '#domain/values/value.ts';
import type { Aggregation, NumberParameter, Partial, Slots } from './aggregation.ts';
import { hashOf } from './hash-value.ts';
import { LONG, numberParameter, scalarInput } from './parameters.ts';

/** register → rank, for ranks other than 0; an array once many registers are set */
type Registers = Map<number, number> | Uint8Array;

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DIGIT_OF = new Uint8Array(128);
for (let i = 0; i < DIGITS.length; i++) DIGIT_OF[DIGITS.charCodeAt(i)] = i;

const indexDigits = (p: number): number => Math.ceil(p / 6);
/** A map entry takes about 40 bytes, a register in an array takes one. */
const isMany = (size: number, p: number): boolean => size * 32 > 1 << p;

const raise = (registers: Registers, index: number, rank: number, p: number): Registers => {
  if (registers instanceof Uint8Array) {
    if (rank > (registers[index] as number)) registers[index] = rank;
    return registers;
  }
  if (rank <= (registers.get(index) ?? 0)) return registers;
  registers.set(index, rank);
  if (!isMany(registers.size, p)) return registers;
  const all = new Uint8Array(1 << p);
  for (const [i, r] of registers) all[i] = r;
  return all;
};

const entriesOf = (registers: Registers): (readonly [number, number])[] =>
  registers instanceof Uint8Array
    ? Array.from(registers, (rank, index) => [index, rank] as const).filter(([, rank]) => rank > 0)
    : [...registers].sort(([a], [b]) => a - b);

const registersText = (registers: Registers, p: number): string => {
  const entries = entriesOf(registers);
  const width = indexDigits(p);
  if (entries.length * (width + 1) < 1 << p) {
    let text = 's';
    for (const [index, rank] of entries) {
      for (let digit = width - 1; digit >= 0; digit--) text += DIGITS[(index >> (6 * digit)) & 63];
      text += DIGITS[rank];
    }
    return text;
  }
  const ranks = new Uint8Array(1 << p);
  for (const [index, rank] of entries) ranks[index] = rank;
  return `d${Array.from(ranks, (rank) => DIGITS[rank]).join('')}`;
};

const registersOf = (text: string, p: number): Registers => {
  const digit = (at: number): number => DIGIT_OF[text.charCodeAt(at)] as number;
  if (text[0] === 'd') return Uint8Array.from({ length: 1 << p }, (_, i) => digit(i + 1));
  const width = indexDigits(p);
  let registers: Registers = new Map();
  for (let at = 1; at < text.length; at += width + 1) {
    let index = 0;
    for (let i = 0; i < width; i++) index = index * 64 + digit(at + i);
    registers = raise(registers, index, digit(at + width), p);
  }
  return registers;
};

/** The first p bits select the register; the rank is the position of the first 1 in the rest. */
const addHash = (registers: Registers, value: Scalar, p: number): Registers => {
  const { high, low } = hashOf(value);
  const rest = high << p;
  const rank = rest !== 0 ? Math.clz32(rest) + 1 : 32 - p + Math.clz32(low) + 1;
  return raise(registers, high >>> (32 - p), rank, p);
};

const sigma = (share: number): number => {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let [x, y, z] = [share, 1, share];
  for (;;) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (z === before) return z;
  }
};

const tau = (share: number): number => {
  if (share === 0 || share === 1) return 0;
  let [x, y, z] = [share, 1, 1 - share];
  for (;;) {
    x = Math.sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
    if (z === before) return z / 3;
  }
};

/** 1 ÷ (2 ln 2) */
const ALPHA = 0.7213475204444817;

const estimate = (registers: Registers, p: number): number => {
  const m = 1 << p;
  const q = 64 - p;
  const withRank = new Array<number>(q + 2).fill(0);
  const entries = entriesOf(registers);
  withRank[0] = m - entries.length;
  for (const [, rank] of entries) withRank[rank] = (withRank[rank] as number) + 1;
  let z = m * tau(1 - (withRank[q + 1] as number) / m);
  for (let rank = q; rank >= 1; rank--) z = 0.5 * (z + (withRank[rank] as number));
  z += m * sigma((withRank[0] as number) / m);
  return Math.round((ALPHA * m * m) / z);
};

const registersPartial = (p: number): Partial => ({
  id: `hll${p}`,
  form: { kind: 'registers', precision: p },
  nums: [],
  refs: [
    {
      name: 'registers',
      type: fieldType('string'),
      encode: (ref) => registersText(ref as Registers, p),
      decode: (data) => registersOf(data as string, p),
    },
  ],
  identity(s) {
    s.refs[s.r] = new Map();
  },
  add(s, value: Value) {
    s.refs[s.r] = addHash(s.refs[s.r] as Registers, value as Scalar, p);
  },
  merge(into, from) {
    let registers = into.refs[into.r] as Registers;
    const other = from.refs[from.r] as Registers;
    if (other instanceof Uint8Array)
      for (let i = 0; i < other.length; i++) registers = raise(registers, i, other[i] as number, p);
    else for (const [index, rank] of other) registers = raise(registers, index, rank, p);
    into.refs[into.r] = registers;
  },
});

const PRECISION: NumberParameter = {
  name: 'precision',
  says: 'the sketch has 2^precision registers',
  kind: 'whole number',
  least: 4,
  most: 16,
  fallback: 12,
};

export const approxCountDistinct: Aggregation = {
  name: 'approxCountDistinct',
  summary:
    'The approximate number of distinct values, by HyperLogLog with 2^`precision` registers.',
  error: 'a standard error of 1.04 ÷ √(2^precision): 1.6 % by default',
  parameters: [PRECISION],
  input: 'required',
  bind(input, params) {
    scalarInput('approxCountDistinct', input);
    const p = numberParameter('approxCountDistinct', params, PRECISION);
    return {
      type: LONG,
      form: { aggregation: 'approxCountDistinct', precision: p },
      partials: [registersPartial(p)],
      finalize: ([s]) => estimate((s as Slots).refs[(s as Slots).r] as Registers, p),
    };
  },
};
