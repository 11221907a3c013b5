/**
 * Reads of the tables. A read pins one snapshot and selects its files; DuckDB reads them.
 *
 * A scan goes day by day. Days are partitions, so they do not overlap in event time: each run of
 * days is sorted separately, and the whole result is in order without a sort of all rows in memory.
 */
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { MillraceError } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type {
  EventQuery,
  HistorySnapshot,
  HistoryTables,
  ScannedColumns,
} from '#domain/ports/history.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import type { DuckDb } from '#infra/shared/duckdb/connect.ts';
import { horizonIn, withEvents } from './before-horizon.ts';
import { fileChecks } from './checked-files.ts';
import { entityEvents } from './entity-events.ts';
import { notedChecksums } from './noted-checksums.ts';
import { notedDamage } from './noted-damage.ts';
import { offsetQueries } from './offset-queries.ts';
import {
  type PinnedFile,
  type PinnedTable,
  selectFiles,
  type TableReader,
  tableReader,
} from './pinned-table.ts';
import { reachedOffsets } from './reached-offsets.ts';
import { columnReader } from './result-columns.ts';
import { runsOfDays } from './runs-of-days.ts';
import { scanColumns } from './scan-columns.ts';
import { type IcebergField, isMeta } from './schema.ts';
import { filesOf, snapshotOf } from './snapshot-of.ts';
import { tableDirectory } from './table-directory.ts';
import { type Query, querySql } from './table-query.ts';

type Fields = { readonly fields: readonly string[] };

export interface HistoryReader {
  endOffsets(topic: string): Promise<readonly number[]>;
  snapshot(topic: string): Promise<HistorySnapshot | null>;
  dataFiles(topic: string, snapshotId?: bigint): Promise<readonly string[]>;
  readonly tableFiles: HistoryTables['tableFiles'];
  events(query: EventQuery): Promise<readonly RawEvent[]>;
  scan(query: EventQuery & Fields): AsyncIterable<readonly RawEvent[]>;
  scanColumns(query: EventQuery & Fields): AsyncIterable<ScannedColumns>;
  rows: HistoryTables['rows'];
  updates(view: string, where: Readonly<Record<string, Value>>): Promise<readonly Row[]>;
  /** Topics whose tables were found damaged when they were last read, with the reason. */
  damaged(): ReadonlyMap<string, string>;
  readonly eventsAt: HistoryTables['eventsAt'];
  readonly count: HistoryTables['count'];
  readonly offsetAt: HistoryTables['offsetAt'];
  readonly horizon: HistoryTables['horizon'];
  close(): void;
}

/** What each history answers as its tables' reader does. */
export const readsOf = (reader: HistoryReader): Omit<HistoryReader, 'damaged' | 'close'> => {
  const { damaged: _, close: __, ...reads } = reader;
  return { ...reads, updates: (view, where) => reader.updates(view, where) };
};

const dataNames = ({ fields }: PinnedTable): readonly string[] =>
  fields.filter((field) => !isMeta(field.name)).map((field) => field.name);

/** @param root the directory of the tables */
export const historyReader = (root: Directory, duckDb: DuckDb): HistoryReader => {
  const tables = new Map<string, TableReader>();
  const idle: DuckDBConnection[] = [];
  const reached = new Map<
    string,
    {
      readonly of: ReturnType<typeof reachedOffsets>;
      snapshot: bigint | null;
      endOffsets: readonly number[];
    }
  >();

  const reachedBy = async (topic: string, table: PinnedTable): Promise<readonly number[]> => {
    const state = reached.get(topic) ?? {
      of: reachedOffsets(root.files, duckDb),
      snapshot: null,
      endOffsets: [],
    };
    reached.set(topic, state);
    const snapshot = table.snapshot['snapshot-id'];
    if (state.snapshot !== snapshot) {
      state.endOffsets = await state.of(table);
      state.snapshot = snapshot;
    }
    return state.endOffsets;
  };

  const damage = notedDamage(fileChecks(root.files, notedChecksums(root).find));

  const pin = async (topic: string, snapshotId?: bigint): Promise<PinnedTable | null> => {
    const table = tables.get(topic) ?? tableReader(tableDirectory(root, topic), topic);
    tables.set(topic, table);
    const pinned = await damage.noting(topic, () => table.pin(snapshotId));
    if (pinned === null && snapshotId !== undefined) {
      throw new MillraceError(
        'MR_NOT_FOUND',
        `The history of ${topic} has no snapshot ${snapshotId}: it never existed, or it has expired.`,
        {
          topic,
          snapshotId: String(snapshotId),
        },
      );
    }
    // Another engine wrote the table: its summaries do not have the end offsets. A rollup has none.
    if (pinned === null || pinned.endOffsets.length > 0 || pinned.files.length === 0) return pinned;
    if (!pinned.fields.some(({ name }) => name === '_offset')) return pinned;
    return { ...pinned, endOffsets: await reachedBy(topic, pinned) };
  };

  const pinEvents = async (query: EventQuery): Promise<PinnedTable | null> =>
    withEvents(await pin(rawTopic(query.source), query.snapshot), query);

  /** A connection can have one stream at a time, so each stream uses its own. */
  async function* chunks(sql: string): AsyncGenerator<DuckDBDataChunk> {
    const connection = idle.pop() ?? (await duckDb.connect());
    let clean = false;
    try {
      const result = await connection.stream(sql);
      for (
        let chunk = await result.fetchChunk();
        chunk !== null && chunk.rowCount > 0;
        chunk = await result.fetchChunk()
      )
        yield chunk;
      clean = true;
    } finally {
      if (clean) idle.push(connection);
      else connection.closeSync();
    }
  }

  /** @throws MR_DATA_DAMAGED */
  const pathsOf = async (
    { topic }: PinnedTable,
    files: readonly PinnedFile[],
  ): Promise<readonly string[]> => {
    await damage.checkFiles(topic, files);
    return root.files.engine.readable(files.map(({ uri }) => uri));
  };

  const withMeta = (table: PinnedTable, names: readonly string[]): readonly IcebergField[] => {
    const byName = new Map(table.fields.map((field) => [field.name, field]));
    const wanted = [...names, table.timeField.name, '_partition', '_offset', '_log_time'];
    return [...new Set(wanted)].flatMap((name) => byName.get(name) ?? []);
  };

  const order = (table: PinnedTable): readonly string[] => [
    table.timeField.name,
    '_partition',
    '_offset',
  ];

  const rawEvents = async function* (
    table: PinnedTable,
    files: readonly PinnedFile[],
    query: Omit<Query, 'below'> & Pick<EventQuery, 'below'>,
    names: readonly string[],
    orderBy: readonly string[] = order(table),
  ): AsyncGenerator<RawEvent[]> {
    const fields = withMeta(table, names);
    const readers = fields.map((field) => columnReader(field, false));
    const at = (name: string): number => fields.findIndex((field) => field.name === name);
    const time = at(table.timeField.name);
    const scale = table.timeField.type === 'date' ? 86_400_000 : 1;
    const [partition, offset, logTime] = [at('_partition'), at('_offset'), at('_log_time')];
    const picks = names.map((name) => [name, at(name)] as const);
    const paths = await pathsOf(table, files);
    for await (const chunk of chunks(querySql(table, paths, fields, query, orderBy))) {
      const columns = readers.map((read, i) => read(chunk, i));
      const number = (column: number, i: number): number => columns[column]?.[i] as number;
      const events: RawEvent[] = [];
      for (let i = 0; i < chunk.rowCount; i++) {
        const row: Record<string, Value> = {};
        for (const [name, column] of picks) row[name] = columns[column]?.[i] ?? null;
        events.push({
          row,
          eventTime: number(time, i) * scale,
          partition: number(partition, i),
          offset: number(offset, i),
          logTime: number(logTime, i),
        });
      }
      yield events;
    }
  };

  const allEvents = async (
    table: PinnedTable,
    files: readonly PinnedFile[],
    query: Parameters<typeof rawEvents>[2],
    names: readonly string[],
    orderBy?: readonly string[],
  ): Promise<RawEvent[]> => {
    if (files.length === 0) return [];
    const events: RawEvent[] = [];
    for await (const batch of rawEvents(table, files, query, names, orderBy))
      for (const event of batch) events.push(event);
    return events;
  };

  const columnsOf = scanColumns({
    files: root.files,
    check: damage.checkFiles,
    chunks: async function* (table, files, fields, query) {
      yield* chunks(querySql(table, await pathsOf(table, files), fields, query, order(table)));
    },
  });
  const eventsOf = entityEvents({ root, check: damage.checkFiles, scan: allEvents });

  return {
    ...offsetQueries({ pin, pathsOf, chunks }),
    endOffsets: async (topic) => (await pin(topic))?.endOffsets ?? [],
    async snapshot(topic) {
      const table = await pin(topic);
      return table === null ? null : snapshotOf(table);
    },
    async tableFiles(topic) {
      const table = await pin(topic);
      if (table === null) return null;
      await damage.checkFiles(topic, table.files);
      return { snapshot: snapshotOf(table), ...filesOf(table) };
    },
    horizon: async (topic) => horizonIn(await pin(topic)),
    async dataFiles(topic, snapshotId) {
      const files = (await pin(topic, snapshotId))?.files ?? [];
      await damage.checkFiles(topic, files);
      return files.map(({ uri }) => uri);
    },
    async events(query) {
      const table = await pinEvents(query);
      return table === null ? [] : eventsOf(table, query, query.fields ?? dataNames(table));
    },
    async eventsAt(source, offsets) {
      const table = await pin(rawTopic(source));
      if (table === null) return [];
      const query = { offsets };
      return allEvents(table, selectFiles(table, query), query, dataNames(table), ['_offset']);
    },
    async *scan(query) {
      const table = await pinEvents(query);
      if (table === null) return;
      for (const run of runsOfDays(selectFiles(table, query)))
        yield* rawEvents(table, run, query, query.fields);
    },
    async *scanColumns(query) {
      const table = await pinEvents(query);
      if (table !== null) yield* columnsOf(table, query, withMeta(table, query.fields));
    },
    async *rows(topic, query) {
      const table = await pin(topic);
      const files = table === null ? [] : selectFiles(table, query);
      if (table === null || files.length === 0) return;
      const readers = table.fields.map((field) => columnReader(field, true));
      for await (const chunk of chunks(
        querySql(table, await pathsOf(table, files), table.fields, query, [
          '_partition',
          '_offset',
        ]),
      )) {
        const columns = readers.map((read, i) => read(chunk, i));
        yield Array.from({ length: chunk.rowCount }, (_, i) =>
          Object.fromEntries(table.fields.map(({ name }, c) => [name, columns[c]?.[i] ?? null])),
        );
      }
    },
    async updates(view, where) {
      const rows: Row[] = [];
      for await (const batch of this.rows(featuresTopic(view), { where })) rows.push(...batch);
      return rows;
    },
    damaged: damage.all,
    close() {
      for (const connection of idle.splice(0)) connection.closeSync();
      duckDb.close();
    },
  };
};
