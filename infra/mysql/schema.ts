/** The tables, by version. A released version is never changed; changes are a new version. */

import type { Connection } from 'mysql2/promise';
import { MillraceError } from '#domain/errors.ts';
import { numberOf } from './errors.ts';

/**
 * `registry_head` is one row, which an append locks until its commit: positions are assigned in the
 * order in which they become visible. An auto-increment would assign them at the insert: a reader
 * could see 8 before 7, and an aborted append would leave a gap.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE IF NOT EXISTS registry_commit (
       position BIGINT NOT NULL PRIMARY KEY, stream VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
       version BIGINT NOT NULL, body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
       INDEX registry_commit_stream (stream, position)
     ) ENGINE=InnoDB`,
    'CREATE TABLE IF NOT EXISTS registry_head (one TINYINT NOT NULL PRIMARY KEY, position BIGINT NOT NULL) ENGINE=InnoDB',
    'INSERT IGNORE INTO registry_head (one, position) VALUES (1, 0)',
    `CREATE TABLE IF NOT EXISTS audit (
       sequence BIGINT NOT NULL PRIMARY KEY, record LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
     ) ENGINE=InnoDB`,
    'CREATE TABLE IF NOT EXISTS audit_head (one TINYINT NOT NULL PRIMARY KEY, sequence BIGINT NOT NULL, hash CHAR(64) NOT NULL) ENGINE=InnoDB',
    `INSERT IGNORE INTO audit_head (one, sequence, hash) VALUES (1, 0, '')`,
  ],
  [
    `CREATE TABLE IF NOT EXISTS access_usage (
       id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, day BIGINT NOT NULL, used BIGINT NOT NULL
     ) ENGINE=InnoDB`,
  ],
  [
    `CREATE TABLE IF NOT EXISTS producer_owner (
       id CHAR(64) NOT NULL PRIMARY KEY, owner VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
     ) ENGINE=InnoDB`,
  ],
  [
    `CREATE TABLE IF NOT EXISTS dataset_job (
       id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
       state VARCHAR(16) NOT NULL, started BIGINT NOT NULL, ended BIGINT, gateway VARCHAR(64) NOT NULL,
       heartbeat BIGINT NOT NULL, cancel TINYINT NOT NULL DEFAULT 0, progress DOUBLE NOT NULL,
       stage TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
       job LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
       INDEX dataset_job_state (state), INDEX dataset_job_started (started), INDEX dataset_job_ended (ended)
     ) ENGINE=InnoDB`,
  ],
  [
    'CREATE TABLE IF NOT EXISTS platform (one TINYINT NOT NULL PRIMARY KEY, id CHAR(36) NOT NULL) ENGINE=InnoDB',
    'INSERT IGNORE INTO platform (one, id) VALUES (1, UUID())',
    'CREATE TABLE IF NOT EXISTS marked_store (store VARCHAR(64) NOT NULL PRIMARY KEY) ENGINE=InnoDB',
    `CREATE TABLE IF NOT EXISTS topic_id (
       topic VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, id CHAR(36) NOT NULL
     ) ENGINE=InnoDB`,
  ],
  [
    `CREATE TABLE IF NOT EXISTS topic_note (
       topic VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, id CHAR(36) NOT NULL,
       note LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
     ) ENGINE=InnoDB`,
  ],
];

const NO_TABLE = 1146;

const assertKnown = (version: number): void => {
  if (version > MIGRATIONS.length)
    throw new MillraceError(
      'MR_DATA_DIR_NEWER',
      `the tables in MySQL are of version ${version}, created by a newer Millrace; this one supports version ${MIGRATIONS.length}`,
      { store: 'mysql' },
    );
};

/**
 * For commands that only read: makes and changes no table.
 * @throws MR_NOT_FOUND, MR_REFUSED, MR_DATA_DIR_NEWER
 */
export const assertMigrated = async (
  { rows }: { readonly rows: <T>(sql: string) => Promise<readonly T[]> },
  name: string,
): Promise<void> => {
  const [found] = await rows<{ version: number }>('SELECT version FROM millrace_schema').catch(
    (error: unknown) => {
      if (numberOf(error) === NO_TABLE) return [];
      throw error;
    },
  );
  if (found === undefined)
    throw new MillraceError(
      'MR_NOT_FOUND',
      `The database ${name} has no platform: it is new or empty. Name the servers of \`millrace serve --profile stack\`. If the database was lost, run \`millrace stack repair\`, which takes the registry from the topic registry.`,
      { database: name },
    );
  assertKnown(found.version);
  if (found.version < MIGRATIONS.length)
    throw new MillraceError(
      'MR_REFUSED',
      `The tables of the database ${name} are of version ${found.version}, of an older Millrace; this one reads version ${MIGRATIONS.length}. Start its gateways first, which change the tables, or use the older Millrace.`,
      { database: name },
    );
};

const LOCK = 'millrace.schema';
const LOCK_SECONDS = 30;

/** Creates the tables under a lock: of two processes that start at once, one creates them. */
export const migrate = async (
  database: { readonly connect: () => Promise<Connection> },
  lockSeconds = LOCK_SECONDS,
): Promise<void> => {
  const connection = await database.connect();
  try {
    const [locks] = await connection.query('SELECT GET_LOCK(?, ?) AS mine', [LOCK, lockSeconds]);
    // 0: another connection holds it; NULL: the server gave up.
    if (Number((locks as { mine: number | null }[])[0]?.mine) !== 1)
      throw new MillraceError(
        'MR_STORE_UNAVAILABLE',
        `MySQL did not give the lock "${LOCK}" in ${lockSeconds} s: another process creates or changes the tables, or hangs (SELECT IS_USED_LOCK('${LOCK}') names its connection)`,
        { store: 'mysql' },
      );
    await connection.query(
      'CREATE TABLE IF NOT EXISTS millrace_schema (one TINYINT NOT NULL PRIMARY KEY, version INT NOT NULL) ENGINE=InnoDB',
    );
    const [rows] = await connection.query('SELECT version FROM millrace_schema');
    const at = (rows as { version: number }[])[0]?.version ?? 0;
    assertKnown(at);
    for (const statement of MIGRATIONS.slice(at).flat()) await connection.query(statement);
    await connection.query('REPLACE INTO millrace_schema (one, version) VALUES (1, ?)', [
      MIGRATIONS.length,
    ]);
    await connection.query('SELECT RELEASE_LOCK(?)', [LOCK]);
  } finally {
    await connection.end().catch(() => connection.destroy());
  }
};
