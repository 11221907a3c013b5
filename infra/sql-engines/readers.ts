/** Types and values of engines that answer in text or JSON, as those of SQL results. */
import { fail } from '#domain/errors.ts';
import type { SqlBatch, SqlForm, SqlType, SqlValue } from '#domain/sql-results/sql-type.ts';

/** How a column's values are read; `convert` is of values other than null. */
export interface Reader {
  readonly type: SqlType;
  readonly convert: (raw: unknown) => SqlValue;
}

const scalar = (form: SqlForm, name: string, convert: (raw: unknown) => SqlValue): Reader => ({
  type: { form, name },
  convert,
});

const TIME =
  /^(\d{4,6})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?\s*(?:Z|UTC|([+-])(\d\d):?(\d\d))?$/;

const MS_PER_MINUTE = 60_000;

/** Epoch microseconds of a time as engines write it, with a zone or in UTC. */
export const microsOf = (text: string): bigint => {
  const found = TIME.exec(text);
  if (found === null)
    return fail(
      'MR_SQL_INVALID',
      `a time of the result cannot be read: ${JSON.stringify(text)}; convert it to UTC`,
    );
  const part = (i: number): number => Number(found[i] ?? 0);
  const ms = Date.UTC(part(1), part(2) - 1, part(3), part(4), part(5), part(6));
  const fraction = BigInt((found[7] ?? '').padEnd(6, '0').slice(0, 6));
  const zone = (part(9) * 60 + part(10)) * MS_PER_MINUTE * (found[8] === '-' ? -1 : 1);
  return BigInt(ms - zone) * 1000n + fraction;
};

const DATE = /^(-?\d+)-(\d\d)-(\d\d)$/;
const MS_PER_DAY = 86_400_000;

const daysOf = (text: string): number => {
  const [, year = '', month = '', day = ''] = DATE.exec(text) ?? [];
  if (year === '') return fail('MR_SQL_INVALID', `a date of the result cannot be read: "${text}"`);
  return new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day)) / MS_PER_DAY;
};

const textOf = (raw: unknown): string =>
  typeof raw === 'object' ? JSON.stringify(raw) : String(raw);

export const BOOLEAN = scalar('boolean', 'boolean', (raw) =>
  typeof raw === 'boolean' ? raw : ['1', 'true'].includes(String(raw)),
);
export const INT = scalar('int', 'int', Number);
export const LONG = scalar('long', 'long', (raw) => BigInt(String(raw)));
export const FLOAT = scalar('float', 'float', (raw) => Math.fround(Number(raw)));
export const DOUBLE = scalar('double', 'double', Number);
export const STRING = scalar('string', 'string', textOf);
export const BYTES = scalar('bytes', 'bytes', (raw) =>
  Uint8Array.from(Buffer.from(String(raw), 'base64')),
);
export const DATE_READER = scalar('date', 'date', (raw) => daysOf(String(raw)));
export const TIMESTAMP = scalar('timestamp', 'timestamp', (raw) => microsOf(String(raw)));

/** As many places as the type has, also where the engine leaves out zeros. */
export const decimal = (precision: number, scale: number): Reader =>
  scalar('decimal', `decimal(${precision},${scale})`, (raw) => {
    const [whole = '', fraction = ''] = String(raw).split('.');
    return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
  });

export const orNull = ({ convert }: Reader, raw: unknown): SqlValue =>
  raw === null || raw === undefined ? null : convert(raw);

export const listOf = (item: Reader): Reader => ({
  type: { form: 'list', name: `array<${item.type.name}>`, element: item.type },
  convert: (raw) => (raw as readonly unknown[]).map((one) => orNull(item, one)),
});

/** Engines write a struct as a list of its values, or as an object. */
export const structOf = (fields: readonly (readonly [string, Reader])[]): Reader => {
  const columns = fields.map(([name, { type }]) => ({ name, type }));
  return {
    type: {
      form: 'struct',
      name: `struct<${columns.map(({ name, type }) => `${name} ${type.name}`).join(', ')}>`,
      fields: columns,
    },
    convert: (raw) =>
      fields.map(([name, reader], i) =>
        orNull(reader, Array.isArray(raw) ? raw[i] : (raw as Record<string, unknown>)[name]),
      ),
  };
};

/** Engines write a map as an object, whose keys are texts. */
export const mapOf = (key: Reader, value: Reader): Reader => {
  const entry = structOf([
    ['key', key],
    ['value', value],
  ]);
  return {
    type: listOf(entry).type,
    convert: (raw) => Object.entries(raw as object).map((pair) => entry.convert(pair)),
  };
};

/** Rows of values as a batch of columns. */
export const batchOf = (
  readers: readonly Reader[],
  rows: readonly (readonly unknown[])[],
): SqlBatch => ({
  rows: rows.length,
  columns: readers.map((reader, i) => rows.map((row) => orNull(reader, row[i]))),
});

interface SourceParser {
  readonly parse: (
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
}

/** JSON in which a whole number that a double would round is its digits. */
export const parseDigits = (text: string): unknown =>
  (JSON as unknown as SourceParser).parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && !Number.isSafeInteger(value)
      ? source
      : value,
  );
