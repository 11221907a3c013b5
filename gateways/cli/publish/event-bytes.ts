/**
 * Values of events as JSON, from the bytes of a file to those of a request: what needs no change
 * costs no string.
 */
import type { FieldType } from '#domain/values/value.ts';
import type { JsonBytes } from '#gateways/http/json-bytes.ts';

const [QUOTE, BACKSLASH, SPACE] = [34, 92, 32] as const;

/** Copies bytes. Needs room for them. */
export const copyBytes = (out: JsonBytes, from: Uint8Array, start: number, end: number): void => {
  const { bytes } = out;
  let { at } = out;
  for (let i = start; i < end; i++) bytes[at++] = from[i] as number;
  out.at = at;
};

/**
 * A text in UTF-8 as a JSON string. Needs room for two bytes more.
 * @returns false: some character must be escaped, and nothing was written
 */
const putPlainString = (out: JsonBytes, from: Uint8Array, start: number, end: number): boolean => {
  const { bytes } = out;
  let { at } = out;
  bytes[at++] = QUOTE;
  for (let i = start; i < end; i++) {
    const byte = from[i] as number;
    if (byte < SPACE || byte === QUOTE || byte === BACKSLASH) return false;
    bytes[at++] = byte;
  }
  bytes[at++] = QUOTE;
  out.at = at;
  return true;
};

const [ZERO, NINE, MINUS, POINT] = [48, 57, 45, 46] as const;

/** Where the digits end that begin at `from`. */
const afterDigits = (bytes: Uint8Array, from: number, end: number): number => {
  let at = from;
  while (at < end && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++;
  return at;
};

/** Whether the bytes are a number in JSON's form, without an exponent. */
const isPlainNumber = (bytes: Uint8Array, start: number, end: number): boolean => {
  const from = bytes[start] === MINUS ? start + 1 : start;
  const whole = afterDigits(bytes, from, end);
  if (whole === from || (bytes[from] === ZERO && whole > from + 1)) return false;
  if (whole === end) return true;
  return bytes[whole] === POINT && whole + 1 < end && afterDigits(bytes, whole + 1, end) === end;
};

/** Whether the bytes begin as an ISO 8601 time, `YYYY-`: they are no number then. */
const beginsAsIso = (bytes: Uint8Array, start: number, end: number): boolean =>
  end - start > 4 && bytes[start + 4] === MINUS;

/**
 * Writes a text as `cellJson` does. Needs room for two bytes more.
 * @returns false: it does so for usual texts only, and nothing was written
 */
export type PutCell = (out: JsonBytes, bytes: Uint8Array, start: number, end: number) => boolean;

const putNumber: PutCell = (out, bytes, start, end) => {
  if (!isPlainNumber(bytes, start, end)) return false;
  copyBytes(out, bytes, start, end);
  return true;
};
const putTime: PutCell = (out, bytes, start, end) =>
  beginsAsIso(bytes, start, end) && putPlainString(out, bytes, start, end);

export const cellPutter = ({ base, array }: FieldType): PutCell => {
  if (array || base === 'boolean') return () => false;
  if (base === 'timestamp') return putTime;
  return /^(int|long|float|double)$/.test(base) ? putNumber : putPlainString;
};
