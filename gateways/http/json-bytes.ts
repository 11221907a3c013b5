/**
 * Writes JSON into one buffer that is reused for each answer: an answer of thousands of numbers
 * needs no string and no object for each. Other values go through JSON.stringify.
 */
import { NUMBER_BYTES, putNumber } from '#domain/values/number-bytes.ts';

const FIRST_SIZE = 64 * 1024;
/** The buffer of a larger answer is not kept. */
const KEPT_SIZE = 8 * 1024 * 1024;
/**
 * Larger answers are sent as bytes: above this size, a copy costs more than a second chunk after
 * the headers.
 */
const LONGEST_TEXT = 16 * 1024;

export interface JsonBytes {
  bytes: Buffer;
  at: number;
  /** whether all bytes so far are ASCII */
  ascii: boolean;
}

let spare: Buffer | null = null;

export const startJson = (): JsonBytes => {
  const bytes = spare ?? Buffer.allocUnsafeSlow(FIRST_SIZE);
  spare = null;
  return { bytes, at: 0, ascii: true };
};

/** The written text: short ASCII as a string, which Node sends together with the headers. */
export const endJson = ({ bytes, at, ascii }: JsonBytes): string | Buffer => {
  if (bytes.length <= KEPT_SIZE) spare = bytes;
  if (ascii && at <= LONGEST_TEXT) return bytes.toString('latin1', 0, at);
  const own = Buffer.allocUnsafeSlow(at);
  bytes.copy(own, 0, 0, at);
  return own;
};

export const reserve = (out: JsonBytes, more: number): void => {
  if (out.at + more <= out.bytes.length) return;
  const bytes = Buffer.allocUnsafeSlow(Math.max(out.bytes.length * 2, out.at + more));
  out.bytes.copy(bytes, 0, 0, out.at);
  out.bytes = bytes;
};

/** Text that is JSON already. */
export const putRaw = (out: JsonBytes, json: string): void => {
  reserve(out, json.length * 3);
  const written = out.bytes.write(json, out.at);
  if (written !== json.length) out.ascii = false;
  out.at += written;
};

/** For longer texts a call of `set` is faster. */
const FEW_BYTES = 32;

/** Bytes of JSON: ASCII, unless `out.ascii` is false already. */
export const putBytes = (out: JsonBytes, json: Uint8Array): void => {
  const { length } = json;
  reserve(out, length);
  const { bytes, at } = out;
  if (length > FEW_BYTES) bytes.set(json, at);
  else for (let i = 0; i < length; i++) bytes[at + i] = json[i] as number;
  out.at = at + length;
};

const QUOTE = 34;
const BACKSLASH = 92;

const putString = (out: JsonBytes, text: string): void => {
  const { length } = text;
  reserve(out, length + 2);
  const { bytes, at } = out;
  bytes[at] = QUOTE;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c < 32 || c > 126 || c === QUOTE || c === BACKSLASH)
      return putRaw(out, JSON.stringify(text));
    bytes[at + 1 + i] = c;
  }
  bytes[at + 1 + length] = QUOTE;
  out.at = at + length + 2;
};

/** NaN, ±Infinity and undefined are null, as in JSON.stringify. */
export const putJson = (out: JsonBytes, value: unknown): void => {
  if (typeof value === 'number' && Number.isFinite(value)) {
    reserve(out, NUMBER_BYTES);
    out.at = putNumber(out.bytes, out.at, value);
  } else if (typeof value === 'string') putString(out, value);
  else putRaw(out, JSON.stringify(value ?? null));
};
