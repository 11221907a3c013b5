/**
 * The tables of rollups, in the directory of the history. Each write is one commit, whose summary
 * has the periods that are there:
 *
 *   data files (durable already) → manifest → manifest list → v<n+1>.metadata.json
 *
 * New periods are appended. Periods that are written again are in files of their days, which are
 * replaced.
 */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { PeriodRows, RollupTables } from '#domain/ports/rollup-tables.ts';
import { missingPeriods, type PeriodRange, withPeriods } from '#domain/rollups/periods.ts';
import { PERIOD_MS, type RollupName, rollupTopic } from '#domain/rollups/rollup-name.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { isDiskFull } from '#infra/shared/files/durable-file.ts';
import {
  addedEntries,
  addSnapshot,
  type Checkpoint,
  checkedPaths,
  entriesOf,
  manifestsOf,
  newSnapshotId,
  writeManifest,
} from '#infra/shared/iceberg/append.ts';
import { writeDataFiles } from '#infra/shared/iceberg/data-files.ts';
import { tableToMake } from '#infra/shared/iceberg/ensure-table.ts';
import type { ManifestEntry } from '#infra/shared/iceberg/manifest.ts';
import {
  currentSchema,
  currentSnapshot,
  partitionSpec,
  type TableMetadata,
  withSchema,
  writtenOf,
  writtenSummary,
} from '#infra/shared/iceberg/metadata.ts';
import { rewriteColumns } from '#infra/shared/iceberg/rewrite-columns.ts';
import { rollupColumns } from '#infra/shared/iceberg/rollup-columns.ts';
import { evolve } from '#infra/shared/iceberg/schema.ts';
import {
  commitTable,
  loadTable,
  type TableVersion,
  tableDirectory,
} from '#infra/shared/iceberg/table-directory.ts';
import { withoutBounds } from '#infra/shared/iceberg/without-bounds.ts';
import { removeOrphans } from './orphans.ts';
import { loadRows, rowsOfPeriods, withReplaced } from './rollup-rows.ts';

export interface RollupTablesOptions {
  /** the directory of the history; this process must be the only writer of its rollups */
  readonly root: Directory;
  readonly platform: string;
  /** a path on the local disk */
  readonly spillDirectory: string;
  readonly now: () => number;
  /** of a table of the directory */
  readonly maintain: (topic: string) => Promise<void>;
  readonly checkpoint?: Checkpoint;
}

const MAX_ATTEMPTS = 20;
const PARTITION_BY = 'period_start';
const DAY_MS = PERIOD_MS.day;

interface Write {
  readonly table: Directory;
  readonly name: RollupName;
  readonly rows: PeriodRows;
  readonly connection: DuckDBConnection;
}

/** The files to be added, and the entries of all others where some are replaced. */
interface Changed {
  readonly relation: string;
  readonly unbounded: ReadonlySet<string>;
  /** null: all stay */
  readonly others: readonly ManifestEntry[] | null;
  readonly added: number;
}

const count = async (connection: DuckDBConnection, relation: string): Promise<number> => {
  const result = await connection.runAndReadAll(`SELECT count(*) FROM ${relation}`);
  return Number(result.getRows()[0]?.[0]);
};

/** Files whose day has a period of the range. */
const ofPeriods = (metadata: TableMetadata, { from, to }: PeriodRange) => {
  const day = partitionSpec(metadata).fields[0]?.name as string;
  return ({ data_file: { partition } }: ManifestEntry): boolean => {
    const at = (partition[day] ?? Number.NaN) * DAY_MS;
    return at + DAY_MS > from && at < to;
  };
};

const changedBy = async (
  { table, rows, connection }: Write,
  metadata: TableMetadata,
  present: readonly PeriodRange[],
): Promise<Changed | null> => {
  const missing = missingPeriods(rows.periods, present);
  const snapshot = currentSnapshot(metadata);
  if (!rows.again || snapshot === null) {
    if (missing.length === 0) return null;
    const relation = rowsOfPeriods(missing);
    const added = await count(connection, relation);
    return { relation, unbounded: new Set(), others: null, added };
  }
  const { fields } = currentSchema(metadata);
  const entries = await entriesOf(table, metadata, await manifestsOf(table, metadata, snapshot));
  const isReplaced = ofPeriods(metadata, rows.periods);
  const replaced = entries.filter(isReplaced);
  if (replaced.length === 0) {
    const relation = rowsOfPeriods([rows.periods]);
    const added = await count(connection, relation);
    return { relation, unbounded: new Set(), others: null, added };
  }
  const paths = await checkedPaths(table, metadata, replaced);
  const { all, added } = withReplaced(paths, fields, rows);
  return {
    relation: all,
    unbounded: withoutBounds(fields, replaced),
    others: entries.filter((entry) => !isReplaced(entry)),
    added: await count(connection, added),
  };
};

export const rollupTables = (options: RollupTablesOptions): RollupTables => {
  const { root, platform, spillDirectory, now, maintain, checkpoint } = options;
  const cleaned = new Set<string>();
  const directoryOf = (name: RollupName): Directory => tableDirectory(root, rollupTopic(name));

  /** The metadata with the columns of the rows, on top of a version. */
  const shape = (base: TableVersion | null, { table, name, rows }: Write): TableMetadata => {
    const columns = rollupColumns(rows);
    const topic = rollupTopic(name);
    if (base === null) {
      const made = { table, name: topic, columns, partitionBy: PARTITION_BY, now: now(), platform };
      return tableToMake(made);
    }
    const { metadata } = base;
    const lastId = metadata['last-column-id'];
    const evolved = evolve(topic, currentSchema(metadata).fields, lastId, columns);
    return evolved.changed ? withSchema(metadata, evolved.fields, evolved.lastColumnId) : metadata;
  };

  /** @returns null where another commit came first */
  const tryWrite = async (write: Write): Promise<number | null> => {
    const { table, name, rows, connection } = write;
    let base = await loadTable(table);
    if (base !== null) {
      const topic = rollupTopic(name);
      base = await rewriteColumns(
        { table, connection, now: now() },
        topic,
        base,
        rollupColumns(rows),
      );
    }
    const metadata = shape(base, write);
    const { fields } = currentSchema(metadata);
    const snapshot = currentSnapshot(metadata);
    const present = writtenOf(snapshot)?.periods ?? [];
    await connection.run('DROP TABLE IF EXISTS fresh');
    await loadRows(connection, name, rows, fields);
    const changed = await changedBy(write, metadata, present);
    if (changed === null) return 0;
    const { relation, unbounded, others, added } = changed;
    const where = { table, metadata, fields };
    const files = await writeDataFiles(connection, where, { relation, unbounded }, randomUUID());
    await checkpoint?.('data');
    const snapshotId = newSnapshotId();
    const entries = [...(others ?? []), ...addedEntries(files, snapshotId)];
    const manifest = await writeManifest(table, metadata, entries);
    await checkpoint?.('manifest');
    const kept = others === null ? await manifestsOf(table, metadata, snapshot) : [];
    const next = await addSnapshot(table, metadata, kept, manifest, {
      snapshotId,
      operation: others === null ? 'append' : 'overwrite',
      summary: writtenSummary({
        periods: withPeriods(present, rows.periods),
        writtenAt: rows.writtenAt,
      }),
      now: now(),
      checkpoint,
    });
    if ((await commitTable(table, base, next)) === null) return null;
    await checkpoint?.('commit');
    return added;
  };

  return {
    async periods(name) {
      const loaded = await loadTable(directoryOf(name));
      return writtenOf(loaded === null ? null : currentSnapshot(loaded.metadata))?.periods ?? [];
    },
    async write(name, rows) {
      const table = directoryOf(name);
      const topic = rollupTopic(name);
      // What a killed process has left. No other one writes now.
      if (!cleaned.has(topic)) await removeOrphans(table);
      cleaned.add(topic);
      const duckDb = await openDuckDb({ memoryLimit: '256MB', threads: 1, spillDirectory });
      const connection = await duckDb.connect();
      try {
        for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
          const added = await tryWrite({ table, name, rows, connection });
          if (added !== null) return added;
        }
        throw new MillraceError(
          'MR_STORAGE_FAILED',
          `Other writers commit to the table ${topic} without a pause; try again.`,
          { topic },
        );
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        throw new MillraceError(
          'MR_DISK_FULL',
          `The disk that holds ${table.uri} is full; the periods that were being written are not there, and the next rollup writes them.`,
          { location: table.uri },
        );
      } finally {
        connection.closeSync();
        duckDb.close();
      }
    },
    maintain: (name) => maintain(rollupTopic(name)),
  };
};
