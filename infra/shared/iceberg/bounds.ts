/**
 * Iceberg's single-value serialization, for the lower and upper bounds of a data file's columns.
 */

const MAX_BOUND_CHARACTERS = 16;
const MAX_CODE_POINT = 0x10ffff;
const MS_PER_DAY = 86_400_000;

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

/** Epoch microseconds of DuckDB's text, such as `1969-12-31 23:59:59.999+00` */
const micros = (text: string): bigint =>
  BigInt(Date.parse(text.replace(' ', 'T').replace(/\+00(:00)?$/, 'Z'))) * 1000n;

const fixed = (bytes: number, write: (buffer: Buffer) => void): Buffer => {
  const buffer = Buffer.alloc(bytes);
  write(buffer);
  return buffer;
};

/**
 * Makes a bound from DuckDB's text of a column's smallest or largest value; null: the bound is
 * omitted.
 */
export const encodeBound = (type: string, text: string, upper: boolean): Buffer | null => {
  switch (type) {
    case 'int':
      return fixed(4, (b) => b.writeInt32LE(Number(text)));
    case 'date':
      return fixed(4, (b) => b.writeInt32LE(Date.parse(`${text}T00:00:00Z`) / MS_PER_DAY));
    case 'long':
      return fixed(8, (b) => b.writeBigInt64LE(BigInt(text)));
    case 'timestamptz':
      return fixed(8, (b) => b.writeBigInt64LE(micros(text)));
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
      return Math.floor(Number(bound.readBigInt64LE()) / 1000);
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
