/**
 * `millrace repair`: rebuilds what can be rebuilt, and names what cannot.
 *
 * | damaged | rebuilt from |
 * |---|---|
 * | a state | the log, at the next start |
 * | raw events in the log | the history, if that has them |
 * | updates of a view in the log, its positions | raw events: the view is computed anew |
 * | a table of the history | the log, if that still has its first records |
 *
 * Each step is a transaction or the deletion of a directory, so a repair that is killed is run
 * again.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Repair } from '#domain/api/verification.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { featuresTopic, isFeaturesTopic, isRawTopic, nameOfTopic } from '#domain/ports/topics.ts';
import { parseRollupTopic } from '#domain/rollups/rollup-name.ts';
import { rawEncoder } from '#domain/sources/raw-codec.ts';
import { openDataDirectory } from '#infra/data-directory/data-directory.ts';
import { removeStates } from '#infra/embedded-engine/snapshots.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { tablesAhead } from '#infra/iceberg/belongs.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { type Database, openDatabase } from '#infra/sqlite/database.ts';
import { erasedOffsets } from '#infra/sqlite/erased.ts';
import { identityOf, openIdentity } from '#infra/sqlite/identity.ts';
import type { PartitionRow } from '#infra/sqlite/log-tables.ts';
import { databaseRepair, type RecoveredRecord, withErased } from '#infra/sqlite/repair.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { checkWriteAheadLog, cutWriteAheadLog } from '#infra/sqlite/write-ahead-log.ts';
import { findDamage } from './embedded-verify.ts';

export interface RepairEmbeddedOptions {
  readonly dataDirectory: string;
  /** go on where acknowledged events or commits are lost by it */
  readonly acceptLoss: boolean;
  readonly onProgress?: (what: string) => void;
}

const COMPUTE = /^compute\.(.+)\.\d+(?:\.(?:fill|decided|watermark))?$/;

/** @throws MR_REFUSED where something would be lost, and loss is not accepted */
export const repairEmbedded = async ({
  dataDirectory,
  acceptLoss,
  onProgress = () => {},
}: RepairEmbeddedOptions): Promise<readonly Repair[]> => {
  const directory = openDataDirectory(dataDirectory);
  const repairs: Repair[] = [];
  const done = (what: string, text: string): void =>
    void repairs.push({ what, done: text, lost: false });
  const lost = (what: string, text: string): void =>
    void repairs.push({ what, done: text, lost: true });
  const path = directory.databasePath;
  const historyDirectory = join(directory.path, 'history');
  const root = { files: localFiles(), uri: fileUri(historyDirectory) };
  let database: Database | null = null;

  /** Cuts a bad write-ahead log at its first bad frame. */
  const openLog = (): Database => {
    try {
      checkWriteAheadLog(path);
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'MR_DATA_DAMAGED') throw error;
      if (!acceptLoss)
        fail(
          'MR_REFUSED',
          `${error.message} Restore a backup; or run repair with --accept-loss, which keeps a copy of the file and goes on without those transactions.`,
        );
      cutWriteAheadLog(path, `${path}-wal.damaged`);
      lost(
        `${path}-wal`,
        `copied to ${path}-wal.damaged, and cut: the transactions from its first bad frame on are lost`,
      );
    }
    return openDatabase(path);
  };

  try {
    database = openLog();
    if (openIdentity(database).isNew)
      fail(
        'MR_DATA_MIXED',
        `The database ${path} is missing or empty: nothing says which sources and views there were. Restore a backup, or move the history away to start an empty platform.`,
      );
    const found = await findDamage({ dataDirectory: directory.path, deep: false, onProgress });
    for (const { part, what, why, repair } of found.verification.damage)
      if (repair === null) lost(what, `${part}: ${why}; it cannot be rebuilt: restore a backup`);

    for (const { part, what } of found.verification.damage) {
      if (part !== 'state') continue;
      rmSync(what, { force: true });
      done(what, 'removed; it is built again at the next start');
    }

    const tools = databaseRepair(database);
    const { db } = database;
    const duckDb = await openDuckDb({ memoryLimit: '512MB' });
    const reader = historyReader(root, duckDb);
    const schemas = sqliteSchemaRegistry(database);
    const erased = erasedOffsets(db);

    /** The history's events of raw.<source> with these offsets, as records. */
    const fromHistory = async (
      topic: string,
      partition: number,
      from: number,
      to: number,
    ): Promise<readonly RecoveredRecord[]> => {
      const latest = await schemas.latest(`${topic}-value`);
      if (latest === null) return [];
      const encode = rawEncoder(latest.schema);
      const fields = (latest.schema as { fields: { name: string }[] }).fields.map(
        ({ name }) => name,
      );
      const records: RecoveredRecord[] = [];
      for await (const batch of reader.scan({
        source: nameOfTopic(topic),
        fields,
        remaining: true,
      }))
        for (const event of batch)
          if (event.partition === partition && event.offset >= from && event.offset < to)
            records.push({
              offset: event.offset,
              logTime: event.logTime,
              schemaId: latest.id,
              value: encode(event.row).slice(),
            });
      return records.sort((a, b) => a.offset - b.offset);
    };

    const fill = async (partition: PartitionRow, from: number, to: number): Promise<void> => {
      const { topic, partition: number } = partition;
      const what = `${topic}, partition ${number}, offsets ${from} to ${to - 1}`;
      let records: readonly RecoveredRecord[] = [];
      let why = 'the history does not have them';
      try {
        records = await fromHistory(topic, number, from, to);
      } catch (error) {
        why = messageOf(error);
      }
      records = withErased(records, erased(topic, number, from, to));
      if (records.length === to - from) {
        tools.fill(partition, records);
        done(what, 'taken from the history');
      } else lost(what, `${why}: they are lost; restore a backup`);
    };

    try {
      const views = new Set<string>();
      for (const range of found.database?.lostRanges ?? []) {
        const { topic } = range.partition;
        tools.removeDamaged(range);
        if (isRawTopic(topic)) await fill(range.partition, range.from, range.to);
        else if (isFeaturesTopic(topic)) views.add(nameOfTopic(topic));
        else
          lost(
            `${topic}, partition ${range.partition.partition}, offsets ${range.from} to ${range.to - 1}`,
            'no other place has them: they are lost; restore a backup',
          );
      }
      for (const { consumer, topic } of found.database?.badPositions ?? []) {
        tools.removePosition(consumer, topic);
        const view = COMPUTE.exec(consumer)?.[1];
        if (view !== undefined) views.add(view);
        else
          lost(`the position of ${consumer} in ${topic}`, 'removed; it starts from the beginning');
      }

      const anew = new Set<string>();
      const endOf = (topic: string): readonly number[] =>
        tools.partitions(topic).map(({ end }) => end);
      for (const { topic, partition, offset, end } of await tablesAhead({
        root,
        platform: identityOf(db),
        endOf,
      })) {
        const target = tools.partitions(topic)[partition];
        if (isRawTopic(topic) && target !== undefined) await fill(target, end, offset);
        else anew.add(topic);
      }
      if (anew.size > 0)
        lost(
          path,
          'the database is older than the history: what only a newer one had is lost (definitions, keys, audit records, rejected and late events, sequences of producers, the newest events); to have that back, restore a backup instead',
        );
      for (const view of views) {
        // First: a state that stayed would be restored, and then take in all events once more.
        removeStates(join(directory.path, 'state'), view);
        tools.resetView(view);
        anew.add(featuresTopic(view));
        done(`the view ${view}`, 'its updates were removed; it is computed anew at the next start');
      }
      for (const topic of new Set([...found.tables.damaged, ...anew])) {
        const what = `the table of ${topic}`;
        const partitions = tools.partitions(topic);
        const isWhole = partitions.every(({ begin }) => begin === 0);
        if (!isWhole && !isFeaturesTopic(topic)) {
          lost(what, 'the log no longer has its first records: restore a backup');
          continue;
        }
        await root.files.deleteDirectory(tableDirectory(root, topic).uri);
        const next =
          parseRollupTopic(topic) === null
            ? 'it is written anew from the log'
            : '`millrace rollup` writes it anew';
        done(what, `removed; ${next}`);
      }
    } finally {
      reader.close();
    }
  } finally {
    database?.close();
    directory.close();
  }
  return repairs;
};
