/**
 * Writes the JSON text of a number as bytes, equal to JavaScript's text: the fewest digits that
 * read back as the same double, and of those the nearest. JSON.stringify makes a string of each
 * number, which is half the cost of a large answer; here the digits go directly into the answer's
 * bytes.
 *
 * Whole numbers up to 2^53 are written by division. A fraction x is scaled to s = x · 10^p in
 * [10^16, 10^17), 17 digits before the point. As a sum of two doubles s is exact (Dekker's product;
 * 10^p is a double for p ≤ 22). A text reads back as x if it is within H of s, half the distance to
 * x's neighbours: 0.55 to 11.1 on this scale. So the result is the multiple of 100 nearest to s if
 * that is within H (at most 15 digits; there is never a second one), else the nearest multiple of
 * 10 (16 digits), else the nearest whole number (17), which always is within H.
 *
 * Other numbers are written as String(x): below 10^-6, above 2^53, powers of two, whose neighbours
 * have unequal distances, and numbers so near to H that the rounding of the sum could decide.
 */

const POW10 = Float64Array.from({ length: 23 }, (_, p) => Number(`1e${p}`));
const E8 = 100_000_000;
const DIGITS = 17;
const LEAST = 1e-6;
/** In units of the 17th digit; the error of the compared numbers is below 10^-7. */
const DOUBT = 1e-5;

/** "0000" … "9999" */
const FOURS = Uint8Array.from(
  { length: 40_000 },
  (_, i) => 48 + (Math.floor((i >> 2) / 10 ** (3 - (i & 3))) % 10),
);
const ZERO = 48;
const POINT = 46;
const MINUS = 45;

const bits = new Float64Array(1);
const words = new Uint32Array(bits.buffer);

/** The longest text that `putNumber` writes. */
export const NUMBER_BYTES = 25;

const putText = (bytes: Uint8Array, at: number, text: string): number => {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
};

const putFour = (bytes: Uint8Array, at: number, n: number): void => {
  const from = n << 2;
  bytes[at] = FOURS[from] as number;
  bytes[at + 1] = FOURS[from + 1] as number;
  bytes[at + 2] = FOURS[from + 2] as number;
  bytes[at + 3] = FOURS[from + 3] as number;
};

/** The eight digits of a whole number under 10^8. */
const putEight = (bytes: Uint8Array, at: number, n: number): void => {
  const high = (n / 10_000) | 0;
  putFour(bytes, at, high);
  putFour(bytes, at + 4, n - high * 10_000);
};

/** Digits of a whole number under 2^31, of exactly `count` places. */
const putPlaces = (bytes: Uint8Array, at: number, n: number, count: number): void => {
  let rest = n | 0;
  for (let i = at + count - 1; i >= at; i--) {
    const next = (rest / 10) | 0;
    bytes[i] = ZERO + (rest - next * 10);
    rest = next;
  }
};

const placesOf = (n: number): number => {
  if (n < 10_000) return n < 100 ? (n < 10 ? 1 : 2) : n < 1000 ? 3 : 4;
  if (n < 1_000_000) return n < 100_000 ? 5 : 6;
  return n < 10_000_000 ? 7 : n < 100_000_000 ? 8 : n < 1_000_000_000 ? 9 : 10;
};

/** A whole number from 0 to 2^53. */
export const putWhole = (bytes: Uint8Array, at: number, n: number): number => {
  if (n < 0x7fffffff) {
    const places = placesOf(n);
    putPlaces(bytes, at, n, places);
    return at + places;
  }
  const high = Math.floor(n / E8);
  const to = putWhole(bytes, at, high);
  putEight(bytes, to, (n - high * E8) | 0);
  return to + 8;
};

/**
 * The 17 digits head · 10^8 + low, of which the first stands for 10^exponent: with a point, no
 * zeros at its end.
 */
const putDigits = (
  bytes: Uint8Array,
  from: number,
  head: number,
  low: number,
  exponent: number,
): number => {
  let at = from;
  let length = DIGITS;
  if (exponent < 0) {
    bytes[at++] = ZERO;
    bytes[at++] = POINT;
    for (let i = exponent; i < -1; i++) bytes[at++] = ZERO;
  } else at++;
  const first = (head / E8) | 0;
  bytes[at] = ZERO + first;
  putEight(bytes, at + 1, (head - first * E8) | 0);
  putEight(bytes, at + 9, low | 0);
  while (bytes[at + length - 1] === ZERO) length--;
  if (exponent < 0) return at + length;
  // If the point is within the digits, they are written one place to the right.
  const whole = exponent + 1;
  for (let i = at; i < at + whole; i++) bytes[i - 1] = bytes[i] as number;
  bytes[at - 1 + whole] = POINT;
  return at + length;
};

/** x > 0 and not whole, so below 2^52. */
const putFraction = (bytes: Uint8Array, at: number, x: number): number => {
  if (x < LEAST) return putText(bytes, at, String(x));
  bits[0] = x;
  const high32 = words[1] as number;
  // The neighbour below a power of two is nearer than the one above.
  if (words[0] === 0 && (high32 & 0xfffff) === 0) return putText(bytes, at, String(x));
  // x in [10^exponent, 10^(exponent + 1)), from the exponent of two.
  let exponent = Math.floor((((high32 >>> 20) - 1023) * 78_913) / 262_144);
  if (
    exponent >= -1
      ? x >= (POW10[exponent + 1] as number)
      : x * (POW10[-exponent - 1] as number) >= 1
  )
    exponent++;
  const scale = POW10[16 - exponent] as number;
  const s = x * scale;
  // Dekker: s + error is x · scale exactly.
  const a = x * 134_217_729;
  const xh = a - (a - x);
  const xl = x - xh;
  const b = scale * 134_217_729;
  const sh = b - (b - scale);
  const sl = scale - sh;
  const error = xl * sl - (s - xh * sh - xl * sh - xh * sl);
  let head = Math.floor(s / E8);
  let tail = s - head * E8 + error;
  if (tail < 0) {
    head--;
    tail += E8;
  } else if (tail >= E8) {
    head++;
    tail -= E8;
  }
  // Half the distance to the next double: 2^(e − 53), e the exponent of x.
  words[0] = 0;
  words[1] = ((high32 >>> 20) - 53) << 20;
  const half = (bits[0] as number) * scale;
  let low = Math.floor(tail * 0.01 + 0.5) * 100;
  let off = Math.abs(low - tail);
  let doubt = Math.abs(off - half) < DOUBT;
  if (off > half) {
    low = Math.floor(tail * 0.1 + 0.5) * 10;
    off = Math.abs(low - tail);
    doubt ||= Math.abs(off - half) < DOUBT || off > 5 - DOUBT;
    if (off > half) {
      low = Math.floor(tail + 0.5);
      doubt ||= Math.abs(low - tail) > 0.5 - DOUBT;
    }
  }
  if (low >= E8) {
    head++;
    low -= E8;
  }
  // s was rounded up to 10^17, or is below 10^16 because the exponent was rounded up.
  if (doubt || head >= 1_000_000_000 || head < E8) return putText(bytes, at, String(x));
  return putDigits(bytes, at, head, low, exponent);
};

/** Writes the text of a finite number at `at`: at most NUMBER_BYTES bytes. @returns the end */
export const putNumber = (bytes: Uint8Array, at: number, x: number): number => {
  if (x === (x | 0)) {
    if (x >= 0) {
      const places = placesOf(x);
      putPlaces(bytes, at, x, places);
      return at + places;
    }
    bytes[at] = MINUS;
    return putWhole(bytes, at + 1, -x);
  }
  if (x < 0) {
    bytes[at] = MINUS;
    return putNumber(bytes, at + 1, -x);
  }
  if (Math.floor(x) !== x) return putFraction(bytes, at, x);
  return x <= Number.MAX_SAFE_INTEGER ? putWhole(bytes, at, x) : putText(bytes, at, String(x));
};
