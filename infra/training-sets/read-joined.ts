/** Reads what an engine has joined into the results, by row number. */
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBListValue } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';
import { type JoinTask, resultColumns } from '#domain/ports/join-engine.ts';
import { parquetByName } from '#domain/sql/duckdb/parquet-files.ts';
import type { JoinOutput } from '#domain/training-sets/join-plan.ts';
import type { JoinedView } from '#domain/training-sets/point-in-time-join.ts';
import type { SlidingOutput } from '#domain/training-sets/sliding-view.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import { CHUNK_ROWS } from '#infra/shared/duckdb/column-parts.ts';
import { createDictionary, readNumbers } from '#infra/shared/duckdb/column-reader.ts';

/** Sets the values of a chunk's column at the rows. */
type Fill = (chunk: DuckDBDataChunk, index: number, rows: Float64Array) => void;

const scratch = (): Float64Array => new Float64Array(CHUNK_ROWS);

const numbersInto = (into: Float64Array | Uint8Array, type: 'double' | 'int'): Fill => {
  const read = scratch();
  return (chunk, index, rows) => {
    readNumbers(chunk, index, type, read, 0);
    for (let i = 0; i < chunk.rowCount; i++) into[rows[i] as number] = read[i] as number;
  };
};

const textsInto = (into: Value[]): Fill => {
  const dictionary = createDictionary();
  const codes = new Int32Array(CHUNK_ROWS);
  return (chunk, index, rows) => {
    dictionary.read(chunk, index, codes, 0);
    for (let i = 0; i < chunk.rowCount; i++) {
      const code = codes[i] as number;
      into[rows[i] as number] = code < 0 ? null : (dictionary.values[code] as string);
    }
  };
};

const listsInto = (into: Value[], { base }: FieldType): Fill => {
  const itemOf = (item: unknown): Value => (base === 'boolean' ? item === 1 : (item as Value));
  return (chunk, index, rows) => {
    chunk.getColumnValues(index).forEach((list, i) => {
      into[rows[i] as number] = list instanceof DuckDBListValue ? list.items.map(itemOf) : null;
    });
  };
};

const fillOf = (output: JoinOutput, values: SlidingOutput['values'], type: FieldType): Fill => {
  if (values instanceof Float64Array) return numbersInto(values, 'double');
  return output === 'text' ? textsInto(values) : listsInto(values, type);
};

const columnSql = (name: string): string => {
  if (name === 'row_no') return 'CAST(row_no AS BIGINT)';
  return name.startsWith('s') ? `CAST(${name} AS INTEGER)` : name;
};

/**
 * @param rows of the spine
 * @throws MR_ENGINE_FAILED where the files have not each row of the task once
 */
export const readJoined = async (
  connection: DuckDBConnection,
  task: JoinTask,
  files: readonly string[],
  { plan, outputs }: JoinedView,
  rows: number,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const refuse = (what: string): never =>
    fail(
      'MR_ENGINE_FAILED',
      `the engine joined ${task.rows} rows of view "${task.view}", and ${what}: nothing was written`,
      { view: task.view, rows: task.rows },
    );
  if (files.length === 0) refuse('its results have none');
  const fills = outputs.map(({ feature, values }, i) =>
    fillOf(
      task.plan.outputs[i] as JoinOutput,
      values,
      (plan.features[feature] as (typeof plan.features)[number]).type,
    ),
  );
  const statuses = outputs.map(({ statuses: into }) =>
    into === undefined ? null : numbersInto(into, 'int'),
  );
  const columns = resultColumns(task);
  const result = await connection.stream(
    `SELECT ${columns.map(columnSql).join(', ')} FROM ${parquetByName(files)}`,
  );
  const isRead = new Uint8Array(rows);
  const numbers = scratch();
  let count = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    signal?.throwIfAborted();
    readNumbers(chunk, 0, 'long', numbers, 0);
    for (let i = 0; i < chunk.rowCount; i++) {
      const row = numbers[i] as number;
      if (isRead[row] !== 0) refuse(`row ${row} is not there once`);
      isRead[row] = 1;
    }
    count += chunk.rowCount;
    fills.forEach((fill, i) => {
      fill(chunk, 1 + i, numbers);
    });
    if (task.withStatus)
      statuses.forEach((fill, i) => {
        fill?.(chunk, 1 + outputs.length + i, numbers);
      });
  }
  if (count !== task.rows) refuse(`its results have ${count}`);
};
