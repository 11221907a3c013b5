/**
 * Deletes the first rows of each partition of raw.<source>: files that have others, too, are
 * written anew without them. One commit removes the rows and moves the horizon, so a reader sees
 * both or neither, and a run that is killed has done nothing or all.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Directory } from '#domain/ports/file-io.ts';
import type { TrimHistory } from '#domain/ports/history.ts';
import type { Horizon } from '#domain/sources/horizon.ts';
import { identifier } from '#domain/sql/duckdb/names.ts';
import { checkedPaths, entriesOf, manifestsOf } from '#infra/shared/iceberg/append.ts';
import type { ManifestEntry } from '#infra/shared/iceberg/manifest.ts';
import {
  currentSchema,
  currentSnapshot,
  endOffsetsOf,
  horizonOf,
  horizonSummary,
  partitionColumn,
  partitionSpec,
  type TableMetadata,
} from '#infra/shared/iceberg/metadata.ts';
import { readParquet } from '#infra/shared/iceberg/parquet-scan.ts';
import { numberBound } from '#infra/shared/iceberg/pinned-table.ts';
import { commitTable, loadTable } from '#infra/shared/iceberg/table-directory.ts';
import { withoutRows } from './without-rows.ts';

export interface TrimTableOptions extends TrimHistory {
  readonly table: Directory;
  readonly connection: DuckDBConnection;
  /** epoch ms */
  readonly now: number;
}

/** @returns how many rows were deleted; 0 also where another commit came first */
export const trimTable = async (options: TrimTableOptions): Promise<number> => {
  const { table, connection, now } = options;
  const base = await loadTable(table);
  const snapshot = base === null ? null : currentSnapshot(base.metadata);
  if (base === null || snapshot === null) return 0;
  const { metadata } = base;
  const { fields } = currentSchema(metadata);
  const entries = await entriesOf(table, metadata, await manifestsOf(table, metadata, snapshot));
  if (entries.length === 0) return 0;
  const relationOf = async (some: readonly ManifestEntry[]): Promise<string> =>
    readParquet(await checkedPaths(table, metadata, some), fields);
  const eventTime = `epoch_ms(CAST(${identifier(partitionColumn(metadata).name)} AS TIMESTAMPTZ))`;

  const begin = await newBegin(options, metadata, entries, relationOf, eventTime);
  if (begin === null) return 0;
  const first = begin.map(
    (offset, partition) => `(_partition = ${partition} AND _offset < ${offset})`,
  );
  const where = `(${first.join(' OR ')})`;

  const replaced: { readonly entry: ManifestEntry; readonly left: number }[] = [];
  let { time } = horizonOf(snapshot) ?? { time: Number.NEGATIVE_INFINITY };
  let deleted = 0;
  const { oldest } = boundsOf(metadata, options.before);
  for (const entry of entries) {
    if (oldest(entry) >= Math.max(...begin)) continue;
    const found = await connection.runAndReadAll(
      `SELECT count(*), max(${eventTime}) FROM ${await relationOf([entry])} WHERE ${where}`,
    );
    const [rows, newest] = (found.getRows()[0] ?? []).map(Number) as [number, number];
    if (rows === 0) continue;
    replaced.push({ entry, left: entry.data_file.record_count - rows });
    deleted += rows;
    time = Math.max(time, newest + 1);
  }
  if (deleted === 0) return 0;
  const horizon: Horizon = { begin, time };
  const summary = horizonSummary(horizon);
  const rest = { connection, now, entries, replaced, where, summary };
  const next = await withoutRows({ table, metadata, ...rest });
  // Where another commit came first, the new files are orphans, and are deleted at the next start.
  return (await commitTable(table, base, next)) === null ? 0 : deleted;
};

/** By partition: below these offsets, all rows are to be deleted; null: none is. */
const newBegin = async (
  { before, below, connection }: TrimTableOptions,
  metadata: TableMetadata,
  entries: readonly ManifestEntry[],
  relationOf: (some: readonly ManifestEntry[]) => Promise<string>,
  eventTime: string,
): Promise<readonly number[] | null> => {
  const old = horizonOf(currentSnapshot(metadata))?.begin ?? [];
  const begin = endOffsetsOf(currentSnapshot(metadata)).map((end, partition) =>
    Math.max(old[partition] ?? 0, Math.min(below[partition] ?? 0, end)),
  );
  const { oldest, isOld } = boundsOf(metadata, before);
  // In the order of offsets: what comes after the first row that stays is not read.
  for (const entry of [...entries].sort((a, b) => oldest(a) - oldest(b))) {
    if (begin.every((offset) => offset <= oldest(entry))) break;
    if (isOld(entry)) continue;
    const kept = await connection.runAndReadAll(
      `SELECT _partition, min(_offset) FROM ${await relationOf([entry])} WHERE ${eventTime} >= ${before} OR epoch_ms(_log_time) >= ${before} GROUP BY _partition`,
    );
    for (const row of kept.getRows()) {
      const [partition, offset] = row.map(Number) as [number, number];
      begin[partition] = Math.min(begin[partition] ?? 0, offset);
    }
  }
  return begin.some((offset, partition) => offset > (old[partition] ?? 0)) ? begin : null;
};

const DAY_MS = 86_400_000;

/** What a file's statistics say: its first offset, and whether all its rows are before a time. */
const boundsOf = (metadata: TableMetadata, before: number) => {
  const { fields } = currentSchema(metadata);
  const day = partitionSpec(metadata).fields[0]?.name as string;
  const bound = (
    { data_file: file }: ManifestEntry,
    which: 'lower_bounds' | 'upper_bounds',
    name: string,
  ): number | null =>
    numberBound(
      { file },
      which,
      fields.find((field) => field.name === name),
    );
  return {
    oldest: (entry: ManifestEntry): number =>
      bound(entry, 'lower_bounds', '_offset') ?? Number.NEGATIVE_INFINITY,
    isOld(entry: ManifestEntry): boolean {
      const of = entry.data_file.partition[day] ?? null;
      const logged = bound(entry, 'upper_bounds', '_log_time');
      return of !== null && (of + 1) * DAY_MS <= before && logged !== null && logged < before;
    },
  };
};
