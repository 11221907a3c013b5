/**
 * The joins of a training set on an engine: the rows are written to files that the engine reads,
 * one for each entity and range of rows, and what it has joined fills the results.
 */
import { mkdir } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { JoinEvents, JoinedFiles, JoinTask } from '#domain/ports/join-engine.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import { joinPlan } from '#domain/training-sets/join-plan.ts';
import type { SpineKeys } from '#domain/training-sets/spine-keys.ts';
import { fieldType } from '#domain/values/field-type.ts';
import { countEvents } from './event-files.ts';
import { fileGroups } from './file-groups.ts';
import { fieldsOf } from './join-part.ts';
import { type AnsweringView, answering, type JoinSpine } from './join-tasks.ts';
import type { PlannedPass } from './passes.ts';
import { readJoined } from './read-joined.ts';
import { createTable } from './result-table.ts';
import type { Results } from './results.ts';
import { rowLook } from './spine-reader.ts';

/** @param directory for files of the engine, which exists */
export type RunJoins = (
  tasks: readonly JoinTask[],
  directory: string,
) => Promise<readonly JoinedFiles[]>;

interface JoinOnEngine {
  readonly join: RunJoins;
  /** for files of the join; it need not exist */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
}

interface WrittenRows {
  readonly keys: SpineKeys;
  readonly rows: Uint32Array;
  readonly file: string;
  readonly count: number;
}

const TABLE = 'joined_rows';
const COLUMNS = [fieldType('long'), fieldType('long'), fieldType('string')];

/** Rows without a key have no values, and are left out. @returns how many were written */
const writeRowsOf = async (
  connection: DuckDBConnection,
  file: string,
  { times, rows, keys }: Pick<JoinSpine, 'times'> & Pick<WrittenRows, 'rows' | 'keys'>,
  signal: AbortSignal | undefined,
): Promise<number> => {
  const filler = await createTable(connection, TABLE, COLUMNS);
  const look = rowLook(signal);
  let count = 0;
  for (const row of rows) {
    look();
    const id = keys.ids[row] as number;
    if (id < 0) continue;
    filler.setNumber(0, row);
    filler.setNumber(1, times[row] as number);
    filler.set(2, keys.keys[id] as string);
    filler.next();
    count++;
  }
  filler.close();
  const columns = ['row_no', 'ms', '"key"'].map((name, i) => `${columnName(i)} AS ${name}`);
  await connection.run(
    `COPY (SELECT ${columns.join(', ')} FROM ${TABLE}) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  await connection.run(`DROP TABLE ${TABLE}`);
  return count;
};

const eventsOf = async (
  connection: DuckDBConnection,
  { scan: { source, mode, knownTimes = false, raw } }: PlannedPass,
): Promise<JoinEvents> => {
  const { files, ...rest } = raw;
  const [groups, count] = [await fileGroups(connection, files), await countEvents(connection, raw)];
  return { source, mode, knownTimes, raw: rest, groups, count };
};

const taskOf = (
  { plan, task }: AnsweringView,
  events: JoinEvents,
  { file, count }: WrittenRows,
): JoinTask => ({
  view: plan.view,
  plan: joinPlan(
    { plan, source: events.source },
    Object.keys(fieldsOf(task)),
    task.outputs.map(({ feature }) => feature),
    task.excluded,
  ),
  withStatus: task.outputs.some(({ withStatus }) => withStatus),
  events,
  spine: file,
  rows: count,
});

/**
 * Fills the results of the passes' views.
 * @returns how many events the files have
 */
export const joinOnEngine = async (
  connection: DuckDBConnection,
  passes: readonly PlannedPass[],
  spine: JoinSpine,
  results: Results,
  { join, directory, signal }: JoinOnEngine,
): Promise<number> => {
  await mkdir(directory, { recursive: true });
  const written: WrittenRows[] = [];
  const rowsOf = async (rows: Uint32Array, keys: SpineKeys): Promise<WrittenRows> => {
    const found = written.find((one) => one.rows === rows && one.keys === keys);
    if (found !== undefined) return found;
    const file = joinPath(directory, `rows-${written.length}.parquet`);
    const { times } = spine;
    const count = await writeRowsOf(connection, file, { times, rows, keys }, signal);
    const made = { keys, rows, file, count };
    written.push(made);
    return made;
  };
  let events = 0;
  const planned: { readonly task: JoinTask; readonly view: AnsweringView }[] = [];
  for (const pass of passes) {
    const read = await eventsOf(connection, pass);
    events += read.count;
    for (const view of answering(pass, spine)) {
      const own = await rowsOf(view.rows, view.keys);
      if (own.count > 0) planned.push({ task: taskOf(view, read, own), view });
    }
  }
  signal?.throwIfAborted();
  if (planned.length === 0) return events;
  const joined = await join(
    planned.map(({ task }) => task),
    directory,
  );
  for (const [i, { task, view }] of planned.entries())
    await readJoined(connection, task, joined[i] ?? [], {
      view,
      results: results.values,
      rows: spine.times.length,
      signal,
    });
  return events;
};
