/**
 * Iceberg's single-value serialization, for the lower and upper bounds of a data file's columns.
 */

const MAX_BOUND_CHARACTERS = 16;
const MAX_CODE_POINT = 0x10ffff;

const next = (codePoint: number): number => (codePoint === 0xd7ff ? 0xe000 : codePoint + 1);

/**
 * The smallest string of that many characters that is above every string with this prefix; null if
 * there is none.
 */
const roundUp = (characters: readonly string[]): string | null => {
  for (let i = characters.length - 1; i >= 0; i--) {
    const codePoint = (characters[i] as string).codePointAt(0) as number;
    if (codePoint < MAX_CODE_POINT)
      return characters.slice(0, i).join('') + String.fromCodePoint(next(codePoint));
  }
  return null;
};

const truncated = (text: string, upper: boolean): string | null => {
  if (text.length <= MAX_BOUND_CHARACTERS) return text;
  const characters = Array.from(text.slice(0, MAX_BOUND_CHARACTERS * 2 + 2));
  if (characters.length <= MAX_BOUND_CHARACTERS) return text;
  const head = characters.slice(0, MAX_BOUND_CHARACTERS);
  return upper ? roundUp(head) : head.join('');
};

/** Rounds down, also before 1970. */
export const msOfMicros = (micros: bigint): number =>
  Number((micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n);

const fixed = (bytes: number, write: (buffer: Buffer) => void): Buffer => {
  const buffer = Buffer.alloc(bytes);
  write(buffer);
  return buffer;
};

/**
 * Makes a bound from the text of a column's smallest or largest value; null: the bound is omitted.
 * Of a date the text is the days, of a timestamp the microseconds since 1970, as digits.
 */
export const encodeBound = (type: string, text: string, upper: boolean): Buffer | null => {
  switch (type) {
    case 'int':
    case 'date':
      return fixed(4, (b) => b.writeInt32LE(Number(text)));
    case 'long':
    case 'timestamptz':
      return fixed(8, (b) => b.writeBigInt64LE(BigInt(text)));
    case 'float':
      return Number.isNaN(Number(text)) ? null : fixed(4, (b) => b.writeFloatLE(Number(text)));
    case 'double':
      return Number.isNaN(Number(text)) ? null : fixed(8, (b) => b.writeDoubleLE(Number(text)));
    case 'boolean':
      return Buffer.from([text === '1' || text === 'true' ? 1 : 0]);
    case 'string': {
      const bound = truncated(text, upper);
      return bound === null ? null : Buffer.from(bound);
    }
    default:
      return null;
  }
};

/**
 * The bound as a value of the domain: timestamps in ms; strings stay bytes, because they are
 * ordered as bytes. A bound that was written before its column was widened has 4 bytes.
 */
export const decodeBound = (type: string, bound: Buffer): number | Buffer | null => {
  switch (type) {
    case 'int':
    case 'date':
      return bound.readInt32LE();
    case 'long':
      return bound.length === 4 ? bound.readInt32LE() : Number(bound.readBigInt64LE());
    case 'timestamptz':
      return msOfMicros(bound.readBigInt64LE());
    case 'float':
      return bound.readFloatLE();
    case 'double':
      return bound.length === 4 ? bound.readFloatLE() : bound.readDoubleLE();
    case 'string':
      return bound;
    default:
      return null;
  }
};
