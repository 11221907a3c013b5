/** DuckDB's types and values as those of SQL results. */
import {
  type DuckDBArrayType,
  type DuckDBArrayValue,
  type DuckDBDataChunk,
  type DuckDBDecimalType,
  type DuckDBListType,
  type DuckDBListValue,
  type DuckDBMapType,
  type DuckDBMapValue,
  type DuckDBStructType,
  type DuckDBStructValue,
  type DuckDBType,
  type DuckDBValue,
  DuckDBTypeId as Id,
} from '@duckdb/node-api';
import type {
  SqlBatch,
  SqlColumn,
  SqlForm,
  SqlType,
  SqlValue,
} from '#domain/sql-results/sql-type.ts';

type Convert = (value: DuckDBValue) => SqlValue;

interface Reader {
  readonly type: SqlType;
  /** of values other than null */
  readonly convert: Convert;
}

const scalar = (form: SqlForm, name: string, convert: Convert): Reader => ({
  type: { form, name },
  convert,
});

const same: Convert = (value) => value as SqlValue;
const text: Convert = (value) => String(value);
const time = (microsOf: (value: never) => bigint): Reader =>
  scalar('timestamp', 'timestamp', (value) => microsOf(value as never));

const NANOS = 1000n;
const int = scalar('int', 'int', (value) => Number(value));
const micros = time(({ micros }: { readonly micros: bigint }) => micros);
const whole = scalar('decimal', 'decimal(38,0)', text);

/** Types that are not here are read as text. */
const SCALARS: Readonly<Partial<Record<Id, Reader>>> = {
  [Id.BOOLEAN]: scalar('boolean', 'boolean', same),
  [Id.TINYINT]: int,
  [Id.SMALLINT]: int,
  [Id.INTEGER]: int,
  [Id.UTINYINT]: int,
  [Id.USMALLINT]: int,
  [Id.UINTEGER]: scalar('long', 'long', (value) => BigInt(value as number)),
  [Id.BIGINT]: scalar('long', 'long', same),
  [Id.UBIGINT]: whole,
  [Id.HUGEINT]: whole,
  [Id.UHUGEINT]: whole,
  [Id.FLOAT]: scalar('float', 'float', same),
  [Id.DOUBLE]: scalar('double', 'double', same),
  [Id.VARCHAR]: scalar('string', 'string', same),
  [Id.BLOB]: scalar('bytes', 'bytes', (value) => (value as { readonly bytes: Uint8Array }).bytes),
  [Id.DATE]: scalar('date', 'date', (value) => (value as { readonly days: number }).days),
  [Id.TIMESTAMP]: micros,
  [Id.TIMESTAMP_TZ]: micros,
  [Id.TIMESTAMP_S]: time(({ seconds }: { readonly seconds: bigint }) => seconds * 1_000_000n),
  [Id.TIMESTAMP_MS]: time(({ millis }: { readonly millis: bigint }) => millis * 1000n),
  [Id.TIMESTAMP_NS]: time(({ nanos }: { readonly nanos: bigint }) => nanos / NANOS),
};

const orNull =
  (convert: Convert): Convert =>
  (value) =>
    value === null || value === undefined ? null : convert(value);

const listOf = (
  element: Reader,
  itemsOf: (value: DuckDBValue) => readonly DuckDBValue[],
): Reader => {
  const convert = orNull(element.convert);
  return {
    type: { form: 'list', name: `array<${element.type.name}>`, element: element.type },
    convert: (value) => itemsOf(value).map(convert),
  };
};

const structOf = (names: readonly string[], readers: readonly Reader[]): Reader => {
  const fields = names.map((name, i) => ({ name, type: (readers[i] as Reader).type }));
  return {
    type: {
      form: 'struct',
      name: `struct<${fields.map(({ name, type }) => `${name} ${type.name}`).join(', ')}>`,
      fields,
    },
    convert: (value) => {
      const entries = (value as DuckDBStructValue).entries;
      return names.map((name, i) => orNull((readers[i] as Reader).convert)(entries[name] ?? null));
    },
  };
};

const decimal = ({ width, scale }: DuckDBDecimalType): Reader =>
  scalar('decimal', `decimal(${width},${scale})`, text);

const mapOf = ({ keyType, valueType }: DuckDBMapType): Reader => {
  const entry = structOf(['key', 'value'], [readerOf(keyType), readerOf(valueType)]);
  const items = (value: DuckDBValue) =>
    (value as DuckDBMapValue).entries.map((entries) => ({ entries }) as unknown as DuckDBValue);
  return listOf(entry, items);
};

const readerOf = (type: DuckDBType): Reader => {
  switch (type.typeId) {
    case Id.DECIMAL:
      return decimal(type as DuckDBDecimalType);
    case Id.LIST:
      return listOf(
        readerOf((type as DuckDBListType).valueType),
        (value) => (value as DuckDBListValue).items,
      );
    case Id.ARRAY:
      return listOf(
        readerOf((type as DuckDBArrayType).valueType),
        (value) => (value as DuckDBArrayValue).items,
      );
    case Id.STRUCT: {
      const { entryNames, entryTypes } = type as DuckDBStructType;
      return structOf(entryNames, entryTypes.map(readerOf));
    }
    case Id.MAP:
      return mapOf(type as DuckDBMapType);
    default:
      return SCALARS[type.typeId] ?? scalar('string', 'string', text);
  }
};

export interface ResultReader {
  readonly columns: readonly SqlColumn[];
  readonly read: (chunk: DuckDBDataChunk) => SqlBatch;
}

export const resultReader = (
  names: readonly string[],
  types: readonly DuckDBType[],
): ResultReader => {
  const readers = types.map(readerOf);
  return {
    columns: names.map((name, i) => ({ name, type: (readers[i] as Reader).type })),
    read: (chunk) => ({
      rows: chunk.rowCount,
      columns: readers.map(({ convert }, i) => chunk.getColumnValues(i).map(orNull(convert))),
    }),
  };
};
