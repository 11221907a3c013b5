/**
 * `millrace erase`: removes what a data directory knows about one entity
 * (docs/decisions/0047-erasure.md). No platform may run on the directory.
 *
 *   1. what has the entity is found, and stored: answers, data sets
 *   2. the log's records are replaced by erased ones
 *   3. the history's files are written anew without the rows; older snapshots expire
 *   4. saved states are written anew, data sets' files removed
 *   5. the database is written anew, so that no free page has an old byte
 *   6. views of others that had counted its events are replayed without them (erase-others.ts)
 *
 * Each step can be run again, so an erasure that was killed is finished by the next one.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ErasureCertificate, LoggedAnswer } from '#domain/erasure/certificate.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import { fail } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { featureLogTopic, featuresTopic } from '#domain/ports/topics.ts';
import { openDataDirectory } from '#infra/data-directory/data-directory.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { tablesBelow } from '#infra/iceberg/belongs.ts';
import { type ErasedRows, eraseRows, selectRows } from '#infra/iceberg/erase-rows.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { type Database, openDatabase } from '#infra/sqlite/database.ts';
import { dropFreeBytes, eraseRecords, findRecords } from '#infra/sqlite/erase-log.ts';
import { erasureRows } from '#infra/sqlite/erased.ts';
import { openIdentity } from '#infra/sqlite/identity.ts';
import { createLogTables, logReads } from '#infra/sqlite/log-tables.ts';
import { checkWriteAheadLog } from '#infra/sqlite/write-ahead-log.ts';
import { dataSetsWith, removePartialFiles } from './erase-data-sets.ts';
import { countedDeleted } from './erase-deleted.ts';
import { distinct, type Found, remember } from './erase-found.ts';
import {
  othersOf,
  type RecomputeSettings,
  recomputeOthers,
  refuseUnsigned,
} from './erase-others.ts';
import { hasTable, remainsOf, removeBackupsIn } from './erase-remains.ts';
import { rollupsOfOthers, tableMatches } from './erase-rollups.ts';
import { digestOf, type EntityIn, entityIn } from './erase-scope.ts';
import { eraseFromStates } from './erase-states.ts';

export interface EraseEmbeddedOptions extends RecomputeSettings {
  readonly dataDirectory: string;
  readonly entity: EntityTexts;
  readonly reason: string;
  /** directories of backups */
  readonly backups?: readonly string[];
  /** the backups of these directories are removed, all of them */
  readonly removeBackups?: boolean;
  readonly now?: () => number;
  readonly onProgress?: (what: string) => void;
  /** called after each step; tests stop a run there */
  readonly onStep?: (step: 'found' | 'log' | 'history' | 'states' | 'end') => void;
}

const SERVED = featureLogTopic('');

interface Run {
  readonly database: Database;
  readonly connection: DuckDBConnection;
  readonly root: Directory;
  readonly entity: EntityIn;
  /** topics of the tables that can have rows of the entity */
  readonly tables: readonly string[];
  readonly dataSetDirectory: string;
}

/** What has the entity, before anything is removed. */
const find = async (run: Run): Promise<Found> => {
  const { database, connection, root, entity, tables, dataSetDirectory } = run;
  const answers: LoggedAnswer[] = [];
  const service = (topic: string): string => topic.slice(SERVED.length);
  const inServed = (topic: string) => (topic.startsWith(SERVED) ? entity.testOf(topic) : null);
  for (const { record, decoded } of findRecords(database.db, inServed))
    answers.push({ service: service(record.topic), requestId: String(decoded.request_id) });
  for (const topic of tables.filter((one) => one.startsWith(SERVED))) {
    const matches = entity.scope.matches.get(topic) ?? [];
    const rows = await selectRows({ root, topic, matches, connection }, 'request_id');
    for (const [requestId] of rows)
      answers.push({ service: service(topic), requestId: String(requestId) });
  }
  const dataSets = await dataSetsWith(connection, dataSetDirectory, entity.scope);
  return { answers: distinct(answers), dataSets };
};

/** Whether the audit log has a signed record. */
const isSigned = (db: DatabaseSync): boolean => {
  if (!hasTable(db, 'audit')) return false;
  const signed =
    "SELECT 1 FROM audit WHERE json_extract(record, '$.signature') IS NOT NULL LIMIT 1";
  return db.prepare(signed).get() !== undefined;
};

const eraseFromHistory = async (
  { database, connection, root, entity, tables }: Run,
  erasure: string,
  now: number,
  onProgress: (what: string) => void,
): Promise<Readonly<Record<string, ErasedRows>>> => {
  const rows = erasureRows(database.db);
  const counts = rows.counts(erasure);
  const matchesOf = tableMatches(entity.scope);
  const done: Record<string, ErasedRows> = {};
  for (const topic of tables) {
    onProgress(`history: ${topic}`);
    const erased = await eraseRows({
      root,
      topic,
      matches: matchesOf(topic) ?? [],
      connection,
      now,
      begun: (counts[topic] ?? 0) > 0,
      onFound: (found) =>
        database.transaction(() => {
          for (const { partition, offset } of found) rows.add(erasure, topic, partition, offset);
        }),
    });
    if (erased.files > 0 || erased.snapshots > 0) done[topic] = erased;
  }
  return done;
};

interface Erased {
  readonly certificate: ErasureCertificate;
  /** views of others → how many events of their sources were erased, over all runs */
  readonly others: Readonly<Record<string, number>>;
}

const eraseFromStores = async (options: EraseEmbeddedOptions): Promise<Erased> => {
  const { entity: texts, reason, backups = [], now = Date.now } = options;
  const { onProgress = () => {}, onStep = () => {} } = options;
  if (reason.trim() === '') fail('MR_REASON_REQUIRED', 'an erasure needs a reason: give --reason');
  if (!existsSync(join(options.dataDirectory, 'millrace.db')))
    fail('MR_NOT_FOUND', `${options.dataDirectory} is no data directory: it has no database.`);
  const directory = openDataDirectory(options.dataDirectory);
  let database: Database | null = null;
  const duckDb = await openDuckDb({ memoryLimit: '512MB' });
  const connection = await duckDb.connect();
  try {
    checkWriteAheadLog(directory.databasePath);
    database = openDatabase(directory.databasePath);
    const platform = openIdentity(database).id;
    const { db } = database;
    createLogTables(db);
    const entity = entityIn(db, texts);
    const { scope } = entity;
    if (scope.otherViews.size > 0 && options.auditKey === undefined && isSigned(db))
      refuseUnsigned();
    const matchesOf = tableMatches(scope);
    const historyDirectory = join(directory.path, 'history');
    const root = { files: localFiles(), uri: fileUri(historyDirectory) };
    const tables = existsSync(historyDirectory)
      ? (await tablesBelow(root)).filter((topic) => matchesOf(topic) !== null)
      : [];
    const dataSetDirectory = join(directory.path, 'datasets');
    const run: Run = { database, connection, root, entity, tables, dataSetDirectory };

    onProgress('what has the entity');
    removePartialFiles(dataSetDirectory);
    const erasure = digestOf(platform, scope);
    const rows = erasureRows(db);
    const found = await find(run);
    const { found: all, started } = remember(rows, erasure, { started: now(), reason, found });
    onStep('found');

    onProgress('log');
    eraseRecords(database, erasure, entity.testOf);
    onStep('log');
    const history = await eraseFromHistory(run, erasure, now(), onProgress);
    rmSync(join(historyDirectory, '.spill'), { recursive: true, force: true });
    onStep('history');

    onProgress('states and data sets');
    const reads = logReads(db);
    const states = await eraseFromStates({
      directory: join(directory.path, 'state'),
      platform,
      definitions: entity.definitions,
      scope,
      endOf: (view) => reads.partitionsOf(featuresTopic(view))[0]?.end ?? 0,
    });
    for (const name of all.dataSets) rmSync(join(dataSetDirectory, name), { force: true });
    const removed = options.removeBackups === true ? await removeBackupsIn(backups) : [];
    onStep('states');

    onProgress('free pages of the database');
    dropFreeBytes(database);
    const { definitions } = entity;
    const remains = [
      ...(await countedDeleted({ root, definitions, scope, now: now() })),
      ...(await rollupsOfOthers(root, scope)),
      ...(await remainsOf(db, entity, options.removeBackups === true ? [] : backups)),
    ];
    onStep('end');
    const records = rows.counts(erasure);
    const certificate: ErasureCertificate = {
      format: 1,
      platform,
      entity: { definitions: scope.entities, keyNames: scope.keyNames, digest: erasure },
      reason,
      started: new Date(started).toISOString(),
      ended: new Date(now()).toISOString(),
      removed: { records, history, states, backups: removed },
      contained: { ...all, views: scope.views, services: scope.services },
      recomputed: [],
      remains,
    };
    return { certificate, others: othersOf(scope, records) };
  } finally {
    connection.closeSync();
    duckDb.close();
    database?.close();
    directory.close();
  }
};

/**
 * @throws MR_ENTITY_INVALID, MR_REASON_REQUIRED; MR_DATA_DIR_LOCKED where a platform runs on it;
 * MR_REFUSED where the audit log is signed, and views of others may be replayed without its key
 */
export const eraseEmbedded = async (options: EraseEmbeddedOptions): Promise<ErasureCertificate> => {
  const { now = Date.now, onProgress = () => {} } = options;
  const { auditAnchor, auditKey, entityQuotas, stuckAfterMs } = options;
  const { certificate, others } = await eraseFromStores(options);
  const { recomputed, remains } = await recomputeOthers({
    dataDirectory: options.dataDirectory,
    erasure: certificate.entity.digest,
    views: others,
    now,
    onProgress,
    settings: {
      auditAnchor,
      auditKey,
      ...(entityQuotas === undefined ? {} : { entityQuotas }),
      ...(stuckAfterMs === undefined ? {} : { stuckAfterMs }),
    },
  });
  return {
    ...certificate,
    ended: new Date(now()).toISOString(),
    recomputed,
    remains: [...remains, ...certificate.remains],
  };
};
