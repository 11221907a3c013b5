/** Columns of DuckDB as columns of SQL results, with exact values. */
import { columnKind, elementType } from '#domain/sql/duckdb/column-kind.ts';
import type { SqlType, SqlValue } from '#domain/sql-results/sql-type.ts';

export interface ReadColumn {
  readonly type: SqlType;
  /** DuckDB's expression for it */
  readonly sql: string;
}

const LONG = /^(BIGINT|UINTEGER)$/;
const WIDE = /^(UBIGINT|U?HUGEINT)$/;

/** What Arrow has no type for here is text, as DuckDB writes it. */
export const readColumn = (sql: string, type: string): ReadColumn => {
  const as = (form: Exclude<SqlType['form'], 'list' | 'struct'>, cast: string): ReadColumn => ({
    type: { form, name: form },
    sql: cast,
  });
  switch (columnKind(type)) {
    case 'boolean':
      return as('boolean', sql);
    case 'whole':
      if (WIDE.test(type)) return as('string', `CAST(${sql} AS VARCHAR)`);
      return LONG.test(type)
        ? as('long', `CAST(${sql} AS BIGINT)`)
        : as('int', `CAST(${sql} AS INTEGER)`);
    case 'real':
      return as(type === 'FLOAT' ? 'float' : 'double', sql);
    case 'decimal':
      return {
        type: { form: 'decimal', name: type.toLowerCase().replace(' ', '') },
        sql: `CAST(${sql} AS VARCHAR)`,
      };
    case 'date':
      return as('date', sql);
    case 'time':
      return as(
        'timestamp',
        type === 'TIMESTAMP WITH TIME ZONE' ? sql : `timezone('UTC', CAST(${sql} AS TIMESTAMP))`,
      );
    case 'bytes':
      return as('bytes', sql);
    case 'list': {
      const element = readColumn('item', elementType(type));
      const items = `list_transform(${sql}, lambda item: ${element.sql})`;
      return { type: { form: 'list', name: 'list', element: element.type }, sql: items };
    }
    default:
      return as('string', `CAST(${sql} AS VARCHAR)`);
  }
};

interface Micros {
  readonly micros: bigint;
}
interface Days {
  readonly days: number;
}
interface Bytes {
  readonly bytes: Uint8Array;
}
interface Items {
  readonly items: readonly unknown[];
}

/** A value of DuckDB's API as one of a SQL result. */
export const sqlValue = (type: SqlType, value: unknown): SqlValue => {
  if (value === null || value === undefined) return null;
  switch (type.form) {
    case 'timestamp':
      return (value as Micros).micros;
    case 'date':
      return (value as Days).days;
    case 'bytes':
      return (value as Bytes).bytes;
    case 'list':
      return (value as Items).items.map((item) => sqlValue(type.element, item));
    default:
      return value as SqlValue;
  }
};
