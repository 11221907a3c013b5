/** Reads what an engine has joined into the results, by row number. */
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBListValue } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';
import type { PlannedFeature } from '#domain/plan/plan.ts';
import { type JoinTask, resultColumns } from '#domain/ports/join-engine.ts';
import { parquetByName } from '#domain/sql/duckdb/parquet-files.ts';
import type { ResultValues } from '#domain/training-sets/columns.ts';
import type { JoinOutput } from '#domain/training-sets/join-plan.ts';
import type { StatusCodes } from '#domain/training-sets/statuses.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import { CHUNK_ROWS } from '#infra/shared/duckdb/column-parts.ts';
import { createDictionary, readNumbers } from '#infra/shared/duckdb/column-reader.ts';
import type { AnsweringView } from './join-tasks.ts';
import type { Result } from './results.ts';

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

const fillOf = (output: JoinOutput, values: ResultValues, type: FieldType): Fill => {
  if (values instanceof Float64Array) return numbersInto(values, 'double');
  return output === 'text' ? textsInto(values) : listsInto(values, type);
};

const columnSql = (name: string): string => {
  if (name === 'row_no') return 'CAST(row_no AS BIGINT)';
  return name.startsWith('s') ? `CAST(${name} AS INTEGER)` : name;
};

interface JoinedInto {
  readonly view: AnsweringView;
  /** by planned value */
  readonly results: readonly Result[];
  /** of the spine */
  readonly rows: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * @throws MR_ENGINE_FAILED where the files have not each row of the task once
 */
export const readJoined = async (
  connection: DuckDBConnection,
  task: JoinTask,
  files: readonly string[],
  { view, results, rows, signal }: JoinedInto,
): Promise<void> => {
  const refuse = (what: string): never =>
    fail(
      'MR_ENGINE_FAILED',
      `the engine joined ${task.rows} rows of view "${task.view}", and ${what}: nothing was written`,
      { view: task.view, rows: task.rows },
    );
  if (files.length === 0) refuse('its results have none');
  const { plan, task: wanted } = view;
  const fills = wanted.outputs.map(({ feature, value }, i) =>
    fillOf(
      task.plan.outputs[i] as JoinOutput,
      (results[value] as Result).values,
      (plan.features[feature] as PlannedFeature).type,
    ),
  );
  const statuses = wanted.outputs.map(({ value, withStatus }) =>
    withStatus ? numbersInto((results[value] as Result).statuses as StatusCodes, 'int') : null,
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
        fill?.(chunk, 1 + fills.length + i, numbers);
      });
  }
  if (count !== task.rows) refuse(`its results have ${count}`);
};
