/** Raw events in DuckDB, with the columns of a source's table. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { identifier } from '#domain/sql/duckdb/names.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { FieldType, RawEvent, Value } from '#domain/values/value.ts';
import { createTable } from '#infra/training-sets/result-table.ts';

const META: Readonly<Record<string, FieldType>> = {
  _partition: fieldType('int'),
  _offset: fieldType('long'),
  _log_time: fieldType('timestamp'),
};

/**
 * @param left names of fields that get no column
 * @returns a relation with the columns
 */
export const rawRelation = async (
  connection: DuckDBConnection,
  table: string,
  source: SourceDefinition,
  events: readonly RawEvent[],
  left: ReadonlySet<string> = new Set(),
): Promise<string> => {
  const fields = Object.entries(sourceFields(source)).filter(([name]) => !left.has(name));
  const types = [...fields, ...Object.entries(META)];
  const filler = await createTable(
    connection,
    table,
    types.map(([, type]) => type),
  );
  for (const { row, partition, offset, logTime } of events) {
    const values: readonly Value[] = [
      ...fields.map(([name]) => row[name] ?? null),
      ...[partition, offset, logTime],
    ];
    values.forEach((value, i) => {
      filler.set(i, value);
    });
    filler.next();
  }
  filler.close();
  const columns = types.map(([name], i) => `${columnName(i)} AS ${identifier(name)}`);
  return `(SELECT ${columns.join(', ')} FROM ${table})`;
};
