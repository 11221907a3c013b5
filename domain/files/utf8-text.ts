/**
 * UTF-8 in pieces as text. A byte order mark at the start of the file is left out; anywhere else it
 * is a character of the data. Bytes that are not UTF-8 are refused with their line.
 */

/** Ends the reading: throws an error that names the line. */
export type RefuseLine = (line: number, what: string) => never;

/** Whole characters: as bytes, and as text. Both have the same length where all are ASCII. */
export interface Utf8Piece {
  readonly bytes: Uint8Array;
  readonly text: string;
}

export interface Utf8Text {
  push(bytes: Uint8Array): Utf8Piece;
  end(): Utf8Piece;
}

const LF = 10;
const MARK = '\uFEFF';
const MARK_BYTES = 3;

/** Length without the last character, if that is not ASCII: more of its bytes may follow. */
const wholeLength = (bytes: Uint8Array): number => {
  const { length } = bytes;
  for (let back = 1; back <= Math.min(4, length); back++) {
    const byte = bytes[length - back] as number;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return length - back;
  }
  return length;
};

export const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
};

export const utf8Text = (refuse: RefuseLine): Utf8Text => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest: Uint8Array = new Uint8Array(0);
  let line = 1;
  let first = true;

  const decodes = (bytes: Uint8Array): boolean => {
    try {
      decoder.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };

  const refuseBytes = (bytes: Uint8Array): never => {
    let at = 0;
    for (let bad = line; ; bad++) {
      const end = bytes.indexOf(LF, at);
      if (end < 0 || !decodes(bytes.subarray(at, end)))
        return refuse(bad, 'the text is not UTF-8: write the file in UTF-8');
      at = end + 1;
    }
  };

  const decode = (bytes: Uint8Array): Utf8Piece => {
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      return refuseBytes(bytes);
    }
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) line++;
    if (!first || text === '') return { bytes, text };
    first = false;
    return text.startsWith(MARK)
      ? { bytes: bytes.subarray(MARK_BYTES), text: text.slice(1) }
      : { bytes, text };
  };

  return {
    push(bytes) {
      const all = joined(rest, bytes);
      const whole = wholeLength(all);
      rest = all.subarray(whole);
      return decode(all.subarray(0, whole));
    },
    end() {
      const piece = decode(rest);
      rest = new Uint8Array(0);
      return piece;
    },
  };
};
