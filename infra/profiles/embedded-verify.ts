/**
 * `millrace verify`: everything that is stored in a data directory, checked without changing it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Damage, Verification } from '#domain/api/verification.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import { verifyStates } from '#infra/embedded-engine/snapshots.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { historyAhead, historyBehind } from '#infra/iceberg/belongs.ts';
import { type TablesVerification, verifyTables } from '#infra/iceberg/verify.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { erasedOffsets } from '#infra/sqlite/erased.ts';
import { identityOf } from '#infra/sqlite/identity.ts';
import { logReads } from '#infra/sqlite/log-tables.ts';
import { type DatabaseVerification, verifyDatabase } from '#infra/sqlite/verify.ts';
import { checkWriteAheadLog } from '#infra/sqlite/write-ahead-log.ts';

export interface VerifyEmbeddedOptions {
  readonly dataDirectory: string;
  readonly deep: boolean;
  readonly onProgress?: (what: string) => void;
}

/** What was found, with what `repair` needs to act on it. */
export interface FoundDamage {
  readonly verification: Verification;
  readonly database: DatabaseVerification | null;
  readonly tables: TablesVerification;
}

const NOTHING_READ = { records: 0, commits: 0, bytes: 0, withoutChecksum: 0 };

export const findDamage = async ({
  dataDirectory,
  deep,
  onProgress = () => {},
}: VerifyEmbeddedOptions): Promise<FoundDamage> => {
  const path = join(dataDirectory, 'millrace.db');
  const historyDirectory = join(dataDirectory, 'history');
  const root = { files: localFiles(), uri: fileUri(historyDirectory) };
  if (!existsSync(path) && !existsSync(historyDirectory))
    fail(
      'MR_NOT_FOUND',
      `${dataDirectory} is no data directory: it has neither database nor history.`,
    );
  const damage: Damage[] = [];
  const databaseDamage = (error: unknown): void =>
    void damage.push({ part: 'database', what: path, why: messageOf(error), repair: null });

  let db: DatabaseSync | null = null;
  let database: DatabaseVerification | null = null;
  try {
    if (!existsSync(path)) throw new Error('it is missing');
    checkWriteAheadLog(path);
    db = openForReading(path);
    database = verifyDatabase(db, path, { deep, onProgress });
    damage.push(...database.damage);
  } catch (error) {
    databaseDamage(error);
  }

  onProgress('states');
  let states = 0;
  const duckDb = deep ? await openDuckDb({ memoryLimit: '512MB' }) : null;
  const connection = duckDb === null ? null : await duckDb.connect();
  let tables: TablesVerification;
  try {
    tables = await verifyTables({
      root,
      connection,
      onProgress,
      ...(db === null ? {} : { erased: erasedOffsets(db) }),
    });
    damage.push(...tables.damage);
    if (db !== null && database !== null) {
      const reads = logReads(db);
      const endOf = (topic: string): readonly number[] =>
        reads.partitionsOf(topic).map((p) => p.end);
      const found = await verifyStates(
        join(dataDirectory, 'state'),
        identityOf(db),
        (view) => endOf(featuresTopic(view))[0] ?? 0,
      );
      states = found.length;
      for (const { file, why } of found)
        if (why !== null)
          damage.push({ part: 'state', what: file, why, repair: 'build it again from the log' });
      damage.push(...(await historyAhead({ root, platform: identityOf(db), endOf })));
      const beginOf = (topic: string): readonly number[] =>
        reads.partitionsOf(topic).map((p) => p.begin);
      const logTopics = [...new Set(reads.partitions().map(({ topic }) => topic))];
      damage.push(...(await historyBehind({ root, topics: logTopics, beginOf })));
    }
  } catch (error) {
    databaseDamage(error);
    tables = { tables: 0, files: 0, bytes: 0, damage: [], damaged: [] };
  } finally {
    connection?.closeSync();
    duckDb?.close();
    db?.close();
  }
  const { records, commits, bytes, withoutChecksum } = database ?? NOTHING_READ;
  return {
    database,
    tables,
    verification: {
      directory: dataDirectory,
      deep,
      checked: {
        records,
        commits,
        states,
        tables: tables.tables,
        files: tables.files,
        bytes: bytes + tables.bytes,
      },
      withoutChecksum,
      damage,
    },
  };
};

export const verifyEmbedded = async (options: VerifyEmbeddedOptions): Promise<Verification> =>
  (await findDamage(options)).verification;
