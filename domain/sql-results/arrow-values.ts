/**
 * Columns of Apache Arrow as values, the inverse of arrow-data.ts. The buffers are read here,
 * because Arrow's own getters give times as milliseconds and decimals as words.
 */
import {
  type Data,
  DataType,
  type Field,
  type RecordBatch,
  type Schema,
  TimeUnit,
} from 'apache-arrow';
import { fail } from '#domain/errors.ts';
import type { SqlBatch, SqlColumn, SqlForm, SqlType, SqlValue } from './sql-type.ts';

/** The value of a row that is not null. */
type At = (data: Data, row: number) => SqlValue;

interface Reader {
  readonly type: SqlType;
  readonly at: At;
}

const scalar = (form: SqlForm, name: string, at: At): Reader => ({ type: { form, name }, at });

type Numbers = ArrayLike<number | bigint>;
const element = ({ values }: Data, row: number): number | bigint =>
  (values as Numbers)[row] as number | bigint;

const toNumber: At = (data, row) => Number(element(data, row));
const toBigint: At = (data, row) => BigInt(element(data, row));
const MAX_LONG = 2n ** 63n - 1n;
/** Counts are unsigned in some engines, and fit. */
const toLong: At = (data, row) => {
  const value = BigInt(element(data, row));
  return value <= MAX_LONG
    ? value
    : fail('MR_SQL_INVALID', `${value} is no whole number of 64 bits: cast it to a decimal`);
};

const intOf = (bits: number, isSigned: boolean): Reader => {
  if (bits < 32 || (bits === 32 && isSigned)) return scalar('int', 'int', toNumber);
  return scalar('long', 'long', isSigned || bits < 64 ? toBigint : toLong);
};

const bytesAt = ({ values, valueOffsets }: Data, row: number): Uint8Array => {
  const [from, to] = [valueOffsets[row], valueOffsets[row + 1]].map(Number);
  return (values as Uint8Array).subarray(from, to);
};

const words = ({ values, stride }: Data, row: number): bigint => {
  let whole = 0n;
  for (let i = stride - 1; i >= 0; i--)
    whole = (whole << 32n) | BigInt((values as Uint32Array)[row * stride + i] as number);
  return BigInt.asIntN(stride * 32, whole);
};

/** 12.30 of the whole number 1230 with two places. */
export const decimalText = (whole: bigint, places: number): string => {
  if (places === 0) return String(whole);
  const digits = String(whole < 0n ? -whole : whole).padStart(places + 1, '0');
  return `${whole < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`;
};

const MICROS: Readonly<Record<TimeUnit, (time: bigint) => bigint>> = {
  [TimeUnit.SECOND]: (time) => time * 1_000_000n,
  [TimeUnit.MILLISECOND]: (time) => time * 1000n,
  [TimeUnit.MICROSECOND]: (time) => time,
  [TimeUnit.NANOSECOND]: (time) => time / 1000n,
};

const DAY_MS = 86_400_000n;
const daysAt: At = (data, row) => {
  const value = element(data, row);
  return typeof value === 'bigint' ? Number(value / DAY_MS) : value;
};

const valueAt = ({ at }: Reader, data: Data, row: number): SqlValue =>
  data.getValid(row) ? at(data, row) : null;

const listOf = (item: Reader): Reader => ({
  type: { form: 'list', name: `array<${item.type.name}>`, element: item.type },
  at(data, row) {
    const [from = 0, to = 0] = [data.valueOffsets[row], data.valueOffsets[row + 1]].map(Number);
    const child = data.children[0] as Data;
    return Array.from({ length: to - from }, (_, i) => valueAt(item, child, from + i));
  },
});

const structOf = (fields: readonly Field[]): Reader => {
  const readers = fields.map(({ type }) => readerOf(type));
  const columns = fields.map(({ name }, i) => ({ name, type: (readers[i] as Reader).type }));
  return {
    type: {
      form: 'struct',
      name: `struct<${columns.map(({ name, type }) => `${name} ${type.name}`).join(', ')}>`,
      fields: columns,
    },
    at: (data, row) => readers.map((reader, i) => valueAt(reader, data.children[i] as Data, row)),
  };
};

/** Keys and values, by whatever names the engine has for them. */
const entriesOf = (entries: Field): Reader => {
  const [key, value] = entries.type.children as readonly [Field, Field];
  return listOf(structOf([key.clone({ name: 'key' }), value.clone({ name: 'value' })]));
};

const readerOf = (type: DataType): Reader => {
  if (DataType.isBool(type))
    return scalar('boolean', 'boolean', ({ values }, row) => {
      const byte = (values as Uint8Array)[row >> 3] as number;
      return (byte & (1 << (row & 7))) !== 0;
    });
  if (DataType.isInt(type)) return intOf(type.bitWidth, type.isSigned);
  if (DataType.isFloat(type))
    return type.precision === 2
      ? scalar('double', 'double', toNumber)
      : scalar('float', 'float', toNumber);
  if (DataType.isDecimal(type)) {
    const { precision, scale } = type;
    return scalar('decimal', `decimal(${precision},${scale})`, (data, row) =>
      decimalText(words(data, row), scale),
    );
  }
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type))
    return scalar('string', 'string', (data, row) => Buffer.from(bytesAt(data, row)).toString());
  if (DataType.isBinary(type) || DataType.isLargeBinary(type))
    return scalar('bytes', 'bytes', (data, row) => bytesAt(data, row).slice());
  if (DataType.isFixedSizeBinary(type)) {
    const { byteWidth } = type;
    return scalar('bytes', 'bytes', ({ values }, row) =>
      (values as Uint8Array).slice(row * byteWidth, (row + 1) * byteWidth),
    );
  }
  if (DataType.isDate(type)) return scalar('date', 'date', daysAt);
  if (DataType.isTimestamp(type)) {
    const micros = MICROS[type.unit];
    return scalar('timestamp', 'timestamp', (data, row) => micros(BigInt(element(data, row))));
  }
  if (DataType.isMap(type)) return entriesOf(type.children[0] as Field);
  if (DataType.isList(type)) return listOf(readerOf((type.children[0] as Field).type));
  if (DataType.isStruct(type)) return structOf(type.children);
  if (DataType.isNull(type)) return scalar('string', 'string', () => null);
  return fail('MR_SQL_INVALID', `the result has a column of the type ${type}: cast it to a text`, {
    type: String(type),
  });
};

/** @throws MR_SQL_INVALID where a column has a type that no value can be read of */
export const arrowReader = (
  schema: Schema,
): {
  readonly columns: readonly SqlColumn[];
  readonly read: (batch: RecordBatch) => SqlBatch;
} => {
  const readers = schema.fields.map(({ type }) => readerOf(type));
  return {
    columns: schema.fields.map(({ name }, i) => ({ name, type: (readers[i] as Reader).type })),
    read: ({ numRows, data }) => ({
      rows: numRows,
      columns: readers.map((reader, i) => {
        const column = data.children[i] as Data;
        const isEmpty = DataType.isNull(column.type);
        return Array.from({ length: numRows }, (_, row) =>
          isEmpty ? null : valueAt(reader, column, row),
        );
      }),
    }),
  };
};
