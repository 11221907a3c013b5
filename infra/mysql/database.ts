/**
 * One pool of connections to MySQL or MariaDB. The isolation is READ COMMITTED, because at the
 * default one the racing appends of several processes deadlock. A transaction that the server
 * aborts for another is repeated.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import mysql, {
  type Pool,
  type PoolConnection,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2/promise';
import { MillraceError } from '#domain/errors.ts';
import { isUnavailable, numberOf } from './errors.ts';
import { assertMigrated, migrate } from './schema.ts';

export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export type Parameter = string | number | null;

export interface Transaction {
  readonly rows: <T>(sql: string, parameters?: readonly Parameter[]) => Promise<readonly T[]>;
  readonly run: (sql: string, parameters?: readonly Parameter[]) => Promise<void>;
}

export interface MysqlDatabase extends Pick<Transaction, 'rows'> {
  readonly transaction: <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;
  /** A separate connection, for locks that end with it. */
  readonly connect: () => Promise<mysql.Connection>;
  readonly close: () => Promise<void>;
}

const TRIES = 8;
const DEADLOCK = 1213;
const LOCK_TIMEOUT = 1205;

/** @param options.readOnly true: for commands that only read; the tables must be there */
export const openMysql = async (
  address: MysqlAddress,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<MysqlDatabase> => {
  const settings = {
    ...address,
    charset: 'utf8mb4_bin',
    supportBigNumbers: true,
    connectTimeout: 5_000,
  };
  const pool: Pool = mysql.createPool({
    ...settings,
    connectionLimit: 8,
    maxIdle: 4,
    idleTimeout: 60_000,
    enableKeepAlive: true,
  });
  const unavailable = (error: unknown): MillraceError =>
    new MillraceError(
      'MR_STORE_UNAVAILABLE',
      `MySQL at ${address.host}:${address.port} does not answer: ${String(error)}`,
      {
        store: 'mysql',
      },
    );
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw isUnavailable(error) ? unavailable(error) : error;
    }
  };

  const on = (connection: PoolConnection): Transaction => ({
    rows: async <T>(sql: string, parameters: readonly Parameter[] = []) =>
      (
        await connection.execute<RowDataPacket[]>(sql, [...parameters])
      )[0] as unknown as readonly T[],
    run: async (sql, parameters = []) => {
      await connection.execute<ResultSetHeader>(sql, [...parameters]);
    },
  });

  const attempt = async <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => {
    const connection = await pool.getConnection();
    try {
      await connection.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await connection.beginTransaction();
      const result = await work(on(connection));
      await connection.commit();
      connection.release();
      return result;
    } catch (error) {
      // After an error of Millrace or of the server the connection is usable once it is rolled
      // back. After any other error its state is unknown.
      if (error instanceof MillraceError || numberOf(error) > 0)
        await connection.rollback().then(
          () => connection.release(),
          () => connection.destroy(),
        );
      else connection.destroy();
      throw error;
    }
  };

  const database: MysqlDatabase = {
    rows: (sql, parameters = []) =>
      guarded(async () => (await pool.execute<RowDataPacket[]>(sql, [...parameters]))[0] as never),
    transaction: (work) =>
      guarded(async () => {
        for (let tried = 1; ; tried++) {
          try {
            return await attempt(work);
          } catch (error) {
            const again = numberOf(error) === DEADLOCK || numberOf(error) === LOCK_TIMEOUT;
            if (!again || tried === TRIES) throw error;
            await sleep(Math.random() * 10 * 2 ** tried);
          }
        }
      }),
    connect: () => guarded(() => mysql.createConnection(settings)),
    close: () => pool.end(),
  };
  try {
    if (readOnly) await assertMigrated(database, address.database);
    else await guarded(() => migrate(database));
  } catch (error) {
    await database.close().catch(() => {});
    throw error;
  }
  return database;
};
