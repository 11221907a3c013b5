/** Copies the tables of a platform: all of one moment, and back into tables that are empty. */
import type { AuditRecord } from '#domain/api/audit.ts';
import { MillraceError } from '#domain/errors.ts';
import type { NewCommit } from '#domain/ports/event-store.ts';
import type { MysqlDatabase, Parameter } from './database.ts';

export interface CommitRow {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  /** JSON */
  readonly body: string;
}

export interface AuditRow {
  readonly sequence: number;
  /** JSON */
  readonly record: string;
}

export interface RegistryCopy {
  /** the platform's id, which the other stores carry, too */
  readonly platform: string;
  /** from position 1, without a gap */
  readonly commits: readonly CommitRow[];
  /** from sequence 1, without a gap; the newest commits may have no record yet */
  readonly audit: readonly AuditRow[];
  /** the hash of the chain's beginning; '': no chain was begun */
  readonly genesis: string;
  readonly usage: readonly { readonly id: string; readonly day: number; readonly used: number }[];
  readonly owners: readonly { readonly id: string; readonly owner: string }[];
}

export const timeOfCommit = ({ body }: CommitRow): number =>
  (JSON.parse(body) as Pick<NewCommit, 'command'>).command.time;

export const hashOfRecord = ({ record }: AuditRow): string =>
  (JSON.parse(record) as AuditRecord).hash;

export const copyRegistry = async (database: MysqlDatabase): Promise<RegistryCopy> => {
  const connection = await database.connect();
  const rows = async <T>(sql: string): Promise<readonly T[]> =>
    (await connection.query(sql))[0] as unknown as readonly T[];
  try {
    await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    const commits = await rows<CommitRow>(
      'SELECT position, stream, version, body FROM registry_commit ORDER BY position',
    );
    const audit = await rows<AuditRow>('SELECT sequence, record FROM audit ORDER BY sequence');
    const [head] = await rows<{ hash: string }>('SELECT hash FROM audit_head WHERE one = 1');
    const first = audit[0];
    const [own] = await rows<{ id: string }>('SELECT id FROM platform');
    return {
      platform: own?.id ?? '',
      commits,
      audit,
      genesis:
        first === undefined
          ? (head?.hash ?? '')
          : (JSON.parse(first.record) as AuditRecord).previous,
      usage: await rows('SELECT id, day, used FROM access_usage ORDER BY id'),
      owners: await rows('SELECT id, owner FROM producer_owner ORDER BY id'),
    };
  } finally {
    await connection.end().catch(() => connection.destroy());
  }
};

export const hasRegistry = async ({ rows }: Pick<MysqlDatabase, 'rows'>): Promise<boolean> => {
  const [head] = await rows<{ position: number }>('SELECT position FROM registry_head');
  return Number(head?.position ?? 0) > 0;
};

/** @throws MR_REFUSED if the database has a platform */
export const assertNoRegistry = async (database: MysqlDatabase, name: string): Promise<void> => {
  if (await hasRegistry(database))
    throw new MillraceError(
      'MR_REFUSED',
      `The database ${name} has the registry of a platform. Restore onto servers that have none yet.`,
      { database: name },
    );
};

export const loadRegistry = async (
  database: MysqlDatabase,
  name: string,
  { platform, commits, audit, genesis, usage, owners }: RegistryCopy,
): Promise<void> => {
  await assertNoRegistry(database, name);
  const last = audit.at(-1);
  await database.transaction(async ({ run }) => {
    const insert = async (sql: string, rows: readonly (readonly Parameter[])[]): Promise<void> => {
      for (const row of rows) await run(sql, row);
    };
    await insert(
      'INSERT INTO registry_commit (position, stream, version, body) VALUES (?, ?, ?, ?)',
      commits.map(({ position, stream, version, body }) => [position, stream, version, body]),
    );
    await insert(
      'INSERT INTO audit (sequence, record) VALUES (?, ?)',
      audit.map(({ sequence, record }) => [sequence, record]),
    );
    await insert(
      'INSERT INTO access_usage (id, day, used) VALUES (?, ?, ?)',
      usage.map(({ id, day, used }) => [id, day, used]),
    );
    await insert(
      'INSERT INTO producer_owner (id, owner) VALUES (?, ?)',
      owners.map(({ id, owner }) => [id, owner]),
    );
    // Of a platform that was started on these servers and never used: it had other topics, and
    // directories with other marks. The next start records those of this one.
    await run('DELETE FROM topic_id');
    await run('DELETE FROM topic_note');
    await run('DELETE FROM marked_store');
    await run('UPDATE platform SET id = ?', [platform]);
    await run('UPDATE registry_head SET position = ? WHERE one = 1', [
      commits.at(-1)?.position ?? 0,
    ]);
    await run('UPDATE audit_head SET sequence = ?, hash = ? WHERE one = 1', [
      last?.sequence ?? 0,
      last === undefined ? genesis : hashOfRecord(last),
    ]);
  });
};
