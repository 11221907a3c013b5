/** A spine that the platform makes: rows of typed values, under column names of definitions. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import type { Value } from '#domain/values/value.ts';
import { sqlType } from '#infra/shared/iceberg/parquet-scan.ts';
import { icebergType } from './duckdb-types.ts';
import { createTable } from './result-table.ts';
import { SPINE_TABLE, type Spine } from './spine.ts';
import { columnCollector } from './spine-columns.ts';
import { rowLook, TIME_TYPE, type Wanted } from './spine-reader.ts';

export interface BuiltSpine {
  /** @param values in the order of the columns, without the time */
  add(time: number, values: readonly Value[]): void;
  finish(): Spine;
}

/** @param columns those of the wanted keys and inputs among them; the time comes after `timeAt` */
export const builtSpine = async (
  connection: DuckDBConnection,
  columns: readonly NamedType[],
  { keys, request, signal }: Wanted,
  timeAt: number,
): Promise<BuiltSpine> => {
  const all = columns.map(({ name, type }) => ({ name, type: { ...type, nullable: true } }));
  const named = all.toSpliced(timeAt, 0, { name: TIME_COLUMN, type: TIME_TYPE });
  const filler = await createTable(
    connection,
    SPINE_TABLE,
    named.map(({ type }) => type),
  );
  const read = new Set([...keys, ...request].map(({ name }) => name));
  const times = columnCollector(TIME_TYPE);
  const collectors = columns.map(({ name, type }) =>
    read.has(name) ? columnCollector(type) : null,
  );
  let rows = 0;
  const look = rowLook(signal);
  return {
    add(time, values) {
      look();
      rows++;
      times.add(time);
      filler.setNumber(timeAt, time);
      for (let i = 0; i < values.length; i++) {
        const value = values[i] as Value;
        filler.set(i < timeAt ? i : i + 1, value);
        collectors[i]?.add(value);
      }
      filler.next();
    },
    finish() {
      filler.close();
      const finished = new Map(
        collectors.flatMap((collector, i) =>
          collector === null ? [] : [[columns[i]?.name as string, collector.finish()] as const],
        ),
      );
      return {
        names: named.map(({ name }) => name),
        rows,
        times: times.finish().values() as Float64Array,
        keys: Object.fromEntries(
          keys.flatMap(({ name }) => {
            const column = finished.get(name);
            return column === undefined ? [] : [[name, column.coded()]];
          }),
        ),
        request: Object.fromEntries(
          request.flatMap(({ name, type }) => {
            const column = finished.get(name);
            return column === undefined ? [] : [[name, { type, values: column.values() }]];
          }),
        ),
        kept: named.map(({ name, type }, i) => ({
          name,
          sql: `s.${columnName(i)}`,
          type: sqlType(icebergType(type)),
          zoned: false,
        })),
        lines: null,
      };
    },
  };
};
