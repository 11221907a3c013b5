/** Decoded values in fewer bytes, so that a cache keeps more of them. */
import { type Codes, codesOf } from './hybrid.ts';
import { LENGTH_BYTES } from './plain.ts';

/** A number is `base + unit * small`. */
export interface Scale {
  readonly base: number;
  readonly unit: number;
}

export interface SmallNumbers {
  readonly values: Codes;
  readonly scale: Scale;
}

const US_PER_MS = 1000;
const CODE_BITS = 31;

const isMultiple = (value: number, unit: number): boolean =>
  Math.floor(value / unit) * unit === value;

/**
 * Whole numbers that are close to each other.
 * @param inMicros whether they are times, which are often whole milliseconds
 * @returns null: they are not close, or not exact
 */
export const smallNumbers = (numbers: Float64Array, inMicros: boolean): SmallNumbers | null => {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let unit = inMicros ? US_PER_MS : 1;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
    if (unit > 1 && !isMultiple(value, unit)) unit = 1;
  }
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high)) return null;
  const range = (high - low) / unit;
  if (range >= 2 ** CODE_BITS) return null;
  const values = codesOf(numbers.length, Math.ceil(Math.log2(range + 1)));
  for (let i = 0; i < numbers.length; i++) values[i] = ((numbers[i] as number) - low) / unit;
  return { values, scale: { base: low, unit } };
};

export interface Texts {
  readonly body: Buffer;
  /** where each begins; it ends `LENGTH_BYTES` before the next one begins */
  readonly starts: Uint32Array;
}

/** A dictionary is made if at least one text in so many is the one before it. */
const WORTHWHILE = 4;

/**
 * Texts of which many equal the one before, as in files that are sorted by them.
 * @returns each of these once, and by text its place among them; null: too few do
 */
export const distinctTexts = ({
  body,
  starts,
}: Texts): (Texts & { readonly codes: Codes }) | null => {
  const count = starts.length - 1;
  const first = new Int32Array(count);
  let distinct = 0;
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const length = sizeAt(starts, i);
    const isNew = i === 0 || !equalsLast(body, starts, i, length);
    if (isNew) {
      first[distinct++] = i;
      bytes += LENGTH_BYTES + length;
    }
  }
  if (count === 0 || (count - distinct) * WORTHWHILE < count) return null;
  const [kept, ends] = [Buffer.allocUnsafeSlow(bytes), new Uint32Array(distinct + 1)];
  const codes = codesOf(count, Math.ceil(Math.log2(distinct)));
  let at = 0;
  for (let code = 0; code < distinct; code++) {
    const i = first[code] as number;
    const start = starts[i] as number;
    ends[code] = at + LENGTH_BYTES;
    at += body.copy(kept, at, start - LENGTH_BYTES, start + sizeAt(starts, i));
    codes.fill(code, i, code + 1 < distinct ? first[code + 1] : count);
  }
  ends[distinct] = at + LENGTH_BYTES;
  return { body: kept, starts: ends, codes };
};

const sizeAt = (starts: Uint32Array, i: number): number =>
  (starts[i + 1] as number) - LENGTH_BYTES - (starts[i] as number);

const equalsLast = (body: Buffer, starts: Uint32Array, i: number, length: number): boolean => {
  if (sizeAt(starts, i - 1) !== length) return false;
  const [start, last] = [starts[i] as number, starts[i - 1] as number];
  for (let at = length - 1; at >= 0; at--) if (body[start + at] !== body[last + at]) return false;
  return true;
};
