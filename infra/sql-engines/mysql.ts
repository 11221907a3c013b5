/**
 * StarRocks and Doris, by MySQL's protocol. A connection for each statement, with the session set
 * up first; a statement is ended by a second connection.
 */
import mysql, { type Connection, type ConnectionOptions, type FieldPacket } from 'mysql2';
import { MillraceError } from '#domain/errors.ts';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import { tooLong, tooMuchMemory } from '#infra/shared/sql/limit-errors.ts';
import { channel } from './channel.ts';
import type { Driver, DriverAnswer, DriverRequest } from './driver.ts';
import { failedOn, invalidOn, isNetworkError, unavailable } from './engine-errors.ts';
import { mysqlReader } from './mysql-types.ts';
import { batchOf, type Reader } from './readers.ts';

export interface MysqlOptions {
  readonly engine: 'starrocks' | 'doris';
  /** mysql://host:9030 */
  readonly url: string;
  readonly user: string;
  readonly password?: string;
  /** statements before the user's; default: those of the engine */
  readonly session?: (request: DriverRequest) => readonly string[];
}

const MEBIBYTE = 1024 * 1024;
const CONNECT_MS = 10_000;
const BATCH_ROWS = 2_000;

const MEMORY_VARIABLE = { starrocks: 'query_mem_limit', doris: 'exec_mem_limit' } as const;

/** In UTC, and with backslashes as escapes, as the statement was checked. */
const sessionOf =
  (engine: MysqlOptions['engine']) =>
  ({ limits, memoryMb }: DriverRequest): readonly string[] => [
    `SET time_zone = 'UTC'`,
    `SET sql_mode = 'ONLY_FULL_GROUP_BY'`,
    `SET query_timeout = ${limits.seconds}`,
    `SET ${MEMORY_VARIABLE[engine]} = ${memoryMb * MEBIBYTE}`,
  ];

interface MysqlError extends Error {
  readonly errno?: number;
  readonly code?: string;
  readonly sqlState?: string;
}

const TIME = /time ?out|max_statement_time|execution time/i;
const MEMORY = /memory|mem_limit/i;
/** the server's own */
const ACCESS = /^ER_(ACCESS_DENIED|DBACCESS_DENIED|CON_COUNT|HOST_NOT_PRIVILEGED)/;

const errorOf = (
  { engine, url }: MysqlOptions,
  { limits, memoryMb }: DriverRequest,
  error: MysqlError,
): MillraceError => {
  const { message, code = '' } = error;
  if (isNetworkError(error) || code === 'PROTOCOL_CONNECTION_LOST')
    return unavailable(engine, url, error);
  if (ACCESS.test(code)) return failedOn(engine, code);
  if (TIME.test(message)) return tooLong(limits.seconds);
  if (MEMORY.test(message)) return tooMuchMemory(memoryMb);
  return error.sqlState === undefined
    ? failedOn(engine, code || 'unknown')
    : invalidOn(engine, message);
};

const addressOf = ({ url, user, password }: MysqlOptions): ConnectionOptions => {
  const { hostname, port } = new URL(url);
  return {
    host: hostname,
    port: Number(port || 9030),
    user,
    password: password ?? '',
    connectTimeout: CONNECT_MS,
    charset: 'utf8mb4',
    // All values as they come: a number is read by the type of its column.
    typeCast: (field) => field.buffer(),
  };
};

const execute = (connection: Connection, sql: string): Promise<void> =>
  new Promise((resolve, reject) => {
    connection.query(sql, (error) => (error === null ? resolve() : reject(error)));
  });

export const mysqlDriver = (options: MysqlOptions): Driver => {
  const { engine, session = sessionOf(engine) } = options;
  const address = addressOf(options);

  /** Best effort: the engine's own time limit ends it, too. */
  const kill = (connection: Connection): void => {
    const { threadId } = connection;
    connection.destroy();
    if (threadId === undefined || threadId === null) return;
    const other = mysql.createConnection(address);
    other.on('error', () => {});
    other.query(`KILL QUERY ${threadId}`, () => other.destroy());
  };

  const stream = (connection: Connection, request: DriverRequest): Promise<DriverAnswer> =>
    new Promise((resolve, reject) => {
      const batches = channel<SqlBatch>();
      let readers: readonly Reader[] = [];
      let rows: unknown[][] = [];
      const push = (): void => {
        if (rows.length > 0) batches.push(batchOf(readers, rows));
        rows = [];
      };
      const failed = (error: unknown): void => {
        const said = errorOf(options, request, error as MysqlError);
        reject(said);
        batches.fail(said);
      };
      const query = connection.query({ sql: request.sql, rowsAsArray: true });
      query.on('error', failed);
      query.on('fields', (fields: readonly FieldPacket[]) => {
        const found = fields.map((field) => ({ name: field.name, reader: mysqlReader(field) }));
        readers = found.map(({ reader }) => reader);
        const columns = found.map(({ name, reader }) => ({ name, type: reader.type }));
        resolve({ columns, batches: batches.values() });
      });
      query.on('result', (row: unknown) => {
        rows.push(row as unknown[]);
        if (rows.length < BATCH_ROWS) return;
        try {
          push();
        } catch (error) {
          reject(error);
          batches.fail(error);
        }
      });
      query.on('end', () => {
        try {
          push();
          batches.end();
        } catch (error) {
          batches.fail(error);
        }
        connection.destroy();
      });
    });

  const run = async (request: DriverRequest): Promise<DriverAnswer> => {
    const connection = mysql.createConnection(address);
    connection.on('error', () => {});
    const abort = (): void => kill(connection);
    request.signal.addEventListener('abort', abort, { once: true });
    try {
      for (const statement of session(request)) await execute(connection, statement);
      return await stream(connection, request);
    } catch (error) {
      connection.destroy();
      throw error instanceof MillraceError ? error : errorOf(options, request, error as MysqlError);
    }
  };

  return { engine, run, close: async () => {} };
};
