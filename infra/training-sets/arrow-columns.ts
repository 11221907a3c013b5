/**
 * Columns of Arrow as values of DuckDB. Whole numbers keep all digits, and times their
 * microseconds: what is finer is cut off.
 */
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import {
  DataType,
  type Decimal,
  type List,
  type Timestamp,
  TimeUnit,
  type Vector,
} from 'apache-arrow';

export interface ArrowColumn {
  /** DuckDB's type */
  readonly type: string;
  /** not called for null */
  readonly valueAt: (vector: Vector, row: number) => DuckDBValue;
}

type Rule = readonly [
  is: (type: DataType) => boolean,
  column: (type: DataType) => ArrowColumn | null,
];

const get = (vector: Vector, row: number): DuckDBValue => vector.get(row) as DuckDBValue;
const simple =
  (type: string, valueAt: ArrowColumn['valueAt'] = get) =>
  (): ArrowColumn => ({ type, valueAt });

const MICROS: Readonly<Record<number, (value: bigint) => bigint>> = {
  [TimeUnit.SECOND]: (value) => value * 1_000_000n,
  [TimeUnit.MILLISECOND]: (value) => value * 1_000n,
  [TimeUnit.MICROSECOND]: (value) => value,
  [TimeUnit.NANOSECOND]: (value) => (value - (((value % 1_000n) + 1_000n) % 1_000n)) / 1_000n,
};

/** The stored number: `get` would make it milliseconds. */
const stored = (vector: Vector, row: number): bigint => {
  let at = row;
  for (const { length, values } of vector.data) {
    if (at < length) return (values as BigInt64Array)[at] as bigint;
    at -= length;
  }
  throw new RangeError(`row ${row} is not in the vector`);
};

const timestamp = (type: DataType): ArrowColumn => {
  const { unit, timezone } = type as Timestamp;
  const micros = MICROS[unit] as (value: bigint) => bigint;
  const zoned = timezone !== null && timezone !== undefined && timezone !== '';
  return {
    type: zoned ? 'TIMESTAMP WITH TIME ZONE' : 'TIMESTAMP',
    valueAt(vector, row) {
      const value = micros(stored(vector, row));
      return zoned ? new DuckDBTimestampTZValue(value) : new DuckDBTimestampValue(value);
    },
  };
};

const decimal = (type: DataType): ArrowColumn | null => {
  const { precision, scale, bitWidth } = type as Decimal;
  if (bitWidth !== 128) return null;
  return {
    type: `DECIMAL(${precision},${scale})`,
    valueAt(vector, row) {
      const words = vector.get(row) as Uint32Array;
      let value = 0n;
      for (let i = words.length - 1; i >= 0; i--)
        value = (value << 32n) | BigInt(words[i] as number);
      return new DuckDBDecimalValue(BigInt.asIntN(128, value), precision, scale);
    },
  };
};

const MS_PER_DAY = 86_400_000;

/** A date has milliseconds here, in both of Arrow's units. */
const date: ArrowColumn['valueAt'] = (vector, row) =>
  new DuckDBDateValue(Math.floor(Number(vector.get(row)) / MS_PER_DAY));

const list = (type: DataType): ArrowColumn | null => {
  const element = arrowColumn((type as List).children[0]?.type as DataType);
  return element === null || element.type.endsWith('[]')
    ? null
    : {
        type: `${element.type}[]`,
        valueAt(vector, row) {
          const items = vector.get(row) as Vector;
          return new DuckDBListValue(
            Array.from({ length: items.length }, (_, i) =>
              items.isValid(i) ? element.valueAt(items, i) : null,
            ),
          );
        },
      };
};

const bytes = (vector: Vector, row: number): DuckDBValue =>
  new DuckDBBlobValue(vector.get(row) as Uint8Array);

const whole = (type: DataType): ArrowColumn => {
  const { bitWidth, isSigned } = type as unknown as {
    readonly bitWidth: number;
    readonly isSigned: boolean;
  };
  if (bitWidth === 64) {
    const valueAt: ArrowColumn['valueAt'] = (vector, row) => BigInt(vector.get(row) as bigint);
    return { type: isSigned ? 'BIGINT' : 'UBIGINT', valueAt };
  }
  if (bitWidth === 32 && !isSigned)
    return { type: 'BIGINT', valueAt: (vector, row) => BigInt(vector.get(row) as number) };
  return { type: 'INTEGER', valueAt: get };
};

const RULES: readonly Rule[] = [
  [DataType.isBool, simple('BOOLEAN')],
  [DataType.isInt, whole],
  [
    DataType.isFloat,
    (type) => ({
      type: (type as { precision?: number }).precision === 2 ? 'DOUBLE' : 'FLOAT',
      valueAt: get,
    }),
  ],
  [(type) => DataType.isUtf8(type) || DataType.isLargeUtf8(type), simple('VARCHAR')],
  [
    (type) =>
      DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isFixedSizeBinary(type),
    simple('BLOB', bytes),
  ],
  [DataType.isDate, simple('DATE', date)],
  [DataType.isTimestamp, timestamp],
  [DataType.isDecimal, decimal],
  [DataType.isList, list],
  // A column of nulls has no type of its own.
  [DataType.isNull, simple('VARCHAR')],
  [
    DataType.isDictionary,
    (type) => arrowColumn((type as unknown as { dictionary: DataType }).dictionary),
  ],
];

/** null: there are no such columns in a spine */
export const arrowColumn = (type: DataType): ArrowColumn | null => {
  const rule = RULES.find(([is]) => is(type));
  return rule === undefined ? null : rule[1](type);
};
