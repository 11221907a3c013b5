/** Checks every file of the history's tables; deeply: every row, and that no offset is missing. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Damage } from '#domain/api/verification.ts';
import { messageOf } from '#domain/error-message.ts';
import type { ErasedOffsets } from '#domain/ports/erased.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { isRawTopic } from '#domain/ports/topics.ts';
import { parseRollupTopic } from '#domain/rollups/rollup-name.ts';
import { parquetByName } from '#domain/sql/duckdb/parquet-files.ts';
import { liveEntries, manifestsOf } from '#infra/shared/iceberg/append.ts';
import { fileChecks, type StatedFile } from '#infra/shared/iceberg/checked-files.ts';
import {
  currentSnapshot,
  endOffsetsOf,
  horizonOf,
  type Snapshot,
  type TableMetadata,
} from '#infra/shared/iceberg/metadata.ts';
import { notedChecksums } from '#infra/shared/iceberg/noted-checksums.ts';
import { loadTable, tableDirectory, uriOf } from '#infra/shared/iceberg/table-directory.ts';
import { tablesBelow } from './belongs.ts';

export interface TablesVerification {
  readonly tables: number;
  readonly files: number;
  readonly bytes: number;
  readonly damage: readonly Damage[];
  /** topics of the tables with damage */
  readonly damaged: readonly string[];
}

export interface VerifyTablesOptions {
  readonly root: Directory;
  /** for the deep checks; null: only bytes are checked */
  readonly connection: DuckDBConnection | null;
  readonly onProgress: (what: string) => void;
  /** The offsets of [from, below) of a partition that were erased: no row has them. */
  readonly erased?: ErasedOffsets;
  /** true: the log gives offsets to what is no record (Kafka's markers), so rows have gaps */
  readonly gaps?: boolean;
  /** what would help; default: the command that writes a table anew */
  readonly repair?: string | null;
}

interface DataFileFound extends StatedFile {
  readonly rows: number;
}

const REPAIR = 'write the table anew from the log';
const REPAIR_ROLLUP = 'remove the table: `millrace rollup` writes it anew';

/** The data files of a snapshot; each manifest is read once. */
const dataFilesOf = async (
  table: Directory,
  metadata: TableMetadata,
  snapshot: Snapshot,
  seen: Set<string>,
): Promise<readonly DataFileFound[]> => {
  const found: DataFileFound[] = [];
  for (const manifest of await manifestsOf(table, metadata, snapshot)) {
    if (seen.has(manifest.manifest_path)) continue;
    seen.add(manifest.manifest_path);
    for (const { data_file: file } of await liveEntries(table, metadata, manifest))
      found.push({
        uri: uriOf(table, metadata, file.file_path),
        file,
        rows: file.record_count,
      });
  }
  return found;
};

const number = (value: unknown): number => Number(value);

export const verifyTables = async ({
  root,
  connection,
  onProgress,
  erased = () => [],
  gaps: hasGaps = false,
  repair = REPAIR,
}: VerifyTablesOptions): Promise<TablesVerification> => {
  const damage: Damage[] = [];
  const damaged = new Set<string>();
  const noted = notedChecksums(root);
  const checks = fileChecks(root.files, noted.find);
  let files = 0;
  let bytes = 0;
  const topics = await tablesBelow(root);

  const verifyTable = async (topic: string): Promise<void> => {
    const table = tableDirectory(root, topic);
    const isRollup = parseRollupTopic(topic) !== null;
    const attempt = async <T>(what: string, check: () => Promise<T>): Promise<T | null> => {
      try {
        return await check();
      } catch (error) {
        damaged.add(topic);
        const remedy = repair === null || !isRollup ? repair : REPAIR_ROLLUP;
        damage.push({ part: 'history', what, why: messageOf(error), repair: remedy });
        return null;
      }
    };
    const loaded = await attempt(`the table of ${topic}`, () => loadTable(table));
    if (loaded === null) return;
    const { metadata } = loaded;
    const seen = new Set<string>();
    const checked = new Set<string>();
    for (const snapshot of metadata.snapshots) {
      const found = await attempt(
        `the table of ${topic}, snapshot ${snapshot['snapshot-id']}`,
        () => dataFilesOf(table, metadata, snapshot, seen),
      );
      for (const one of found ?? []) {
        if (checked.has(one.uri)) continue;
        checked.add(one.uri);
        files++;
        bytes += one.file.file_size_in_bytes;
        await attempt(`the table of ${topic}`, () => checks.check([one]));
      }
    }
    const ofNotes = await noted.damage(topic);
    if (ofNotes !== null)
      damage.push({
        part: 'history',
        what: `the noted checksums of ${topic}`,
        why: ofNotes,
        repair: null,
      });
    if (connection !== null && !damaged.has(topic)) await deepen(topic, table, metadata, attempt);
  };

  type Attempt = <T>(what: string, check: () => Promise<T>) => Promise<T | null>;

  /** Reads all columns of all rows, counts them, and looks for gaps between offsets. */
  const deepen = async (
    topic: string,
    table: Directory,
    metadata: TableMetadata,
    attempt: Attempt,
  ): Promise<void> => {
    const current = currentSnapshot(metadata);
    if (current === null) return;
    const found = await dataFilesOf(table, metadata, current, new Set());
    const all: string[] = [];
    for (const { uri, rows } of found) {
      const [path] = (await root.files.engine.readable([uri])) as [string];
      all.push(path);
      await attempt(`the file ${uri} of ${topic}`, async () => {
        const result = await (connection as DuckDBConnection).runAndReadAll(
          `SELECT count(*), bit_xor(hash(t)) FROM ${parquetByName([path])} AS t`,
        );
        const counted = number(result.getRows()[0]?.[0]);
        if (counted !== rows)
          throw new Error(`it has ${counted} rows, and its manifest says ${rows}`);
      });
    }
    // Rollups have no places in the log.
    if (all.length === 0 || parseRollupTopic(topic) !== null) return;
    await attempt(`the table of ${topic}`, async () => {
      const result = await (connection as DuckDBConnection).runAndReadAll(
        `SELECT _partition, count(*), count(DISTINCT _offset), min(_offset), max(_offset) FROM ${parquetByName(all)} GROUP BY _partition`,
      );
      const ends = endOffsetsOf(current);
      const deleted = horizonOf(current)?.begin ?? [];
      for (const row of result.getRows()) {
        const [partition, rows, offsets, first, last] = row.map(number) as [
          number,
          number,
          number,
          number,
          number,
        ];
        const end = ends[partition] ?? last + 1;
        const gaps = (from: number, below: number): number =>
          from < below ? erased(topic, partition, from, below).length : 0;
        const begin = isRawTopic(topic) ? (deleted[partition] ?? 0) : first;
        if (hasGaps && rows === offsets && last < end) continue;
        if (
          rows !== offsets ||
          first - begin !== gaps(begin, first) ||
          last - first + 1 !== offsets + gaps(first, last + 1) ||
          last + 1 + gaps(last + 1, end) !== end
        )
          throw new Error(
            `partition ${partition} has ${rows} rows with ${offsets} offsets from ${first} to ${last}; it should begin at ${begin}, and its summary ends at ${ends[partition] ?? 'none'}`,
          );
      }
    });
  };

  for (const topic of topics) {
    onProgress(`history: ${topic}`);
    await verifyTable(topic);
  }
  return { tables: topics.length, files, bytes, damage, damaged: [...damaged] };
};
