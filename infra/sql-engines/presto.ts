/**
 * Trino and Presto, by their HTTP protocol. Their client (presto-client) parses numbers with the
 * parser that it is given, so digits are kept.
 */
import { createRequire } from 'node:module';
import { fail, type MillraceError } from '#domain/errors.ts';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import { tooLong, tooMuchMemory } from '#infra/shared/sql/limit-errors.ts';
import { channel } from './channel.ts';
import type { Driver, DriverAnswer, DriverRequest } from './driver.ts';
import { failedOn, invalidOn, isNetworkError, unavailable } from './engine-errors.ts';
import { prestoReader } from './presto-types.ts';
import { batchOf, parseDigits, type Reader } from './readers.ts';

interface QueryError {
  readonly message?: string;
  readonly errorName?: string;
  readonly errorType?: string;
  /** of the first request: what the server or the network said */
  readonly error?: unknown;
}

interface Execution {
  readonly query: string;
  readonly session: string;
  readonly timezone: string;
  readonly timeout: null;
  readonly headers: Readonly<Record<string, string>>;
  readonly cancel: () => boolean;
  readonly state: (error: unknown, queryId: string) => void;
  readonly columns: (
    error: unknown,
    columns: readonly { readonly name: string; readonly type: string }[],
  ) => void;
  readonly data: (error: unknown, rows: readonly (readonly unknown[])[]) => void;
  readonly success: () => void;
  readonly error: (error: QueryError) => void;
}

interface Client {
  readonly execute: (execution: Execution) => void;
  readonly kill: (queryId: string, done: () => void) => void;
}

/** The types of the package lack most of its options. */
const { Client: PrestoClient } = createRequire(import.meta.url)('presto-client') as {
  readonly Client: new (options: Readonly<Record<string, unknown>>) => Client;
};

export interface PrestoOptions {
  readonly engine: 'trino' | 'presto';
  /** http://host:port */
  readonly url: string;
  readonly user: string;
  /** with TLS only */
  readonly password?: string;
}

/** The server answers at once where there is nothing to wait for. */
const POLL_MS = 20;

/** Types with microseconds, which older clients do not know. */
const CAPABILITIES = { 'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME' };

const clientOf = ({ engine, url, user, password }: PrestoOptions): Client => {
  const { protocol, hostname, port } = new URL(url);
  const isEncrypted = protocol === 'https:';
  if (password !== undefined && !isEncrypted)
    fail('MR_PARAMETER_INVALID', `${engine}: a password is sent over https only, not to ${url}`, {
      parameter: 'url',
    });
  return new PrestoClient({
    engine,
    host: hostname,
    port: port === '' ? (isEncrypted ? 443 : 80) : Number(port),
    user,
    source: 'millrace',
    checkInterval: POLL_MS,
    jsonParser: { parse: parseDigits },
    ...(isEncrypted ? { ssl: { rejectUnauthorized: true } } : {}),
    ...(password === undefined
      ? {}
      : { custom_auth: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }),
  });
};

/** Trino's and Presto's names of what a session may set. */
const sessionOf = ({ limits, memoryMb }: DriverRequest): string =>
  [
    `query_max_run_time=${limits.seconds}s`,
    `query_max_execution_time=${limits.seconds}s`,
    `query_max_memory=${memoryMb}MB`,
  ].join(',');

const MEMORY = /^(EXCEEDED_\w*MEMORY\w*|CLUSTER_OUT_OF_MEMORY)$/;

const errorOf = (
  { engine, url }: PrestoOptions,
  { limits, memoryMb }: DriverRequest,
  error: QueryError,
): MillraceError => {
  const said = (error.error ?? error) as QueryError;
  const { errorName = '', errorType, message = error.message ?? '' } = said;
  if (MEMORY.test(errorName)) return tooMuchMemory(memoryMb);
  if (errorName === 'EXCEEDED_TIME_LIMIT') return tooLong(limits.seconds);
  if (errorType === 'USER_ERROR') return invalidOn(engine, message);
  if (isNetworkError(said) || isNetworkError(error)) return unavailable(engine, url, message);
  return failedOn(engine, errorName || errorType || 'unknown');
};

export const prestoDriver = (options: PrestoOptions): Driver => {
  const client = clientOf(options);
  const { engine } = options;

  const run = (request: DriverRequest): Promise<DriverAnswer> =>
    new Promise((resolve, reject) => {
      const { sql, signal } = request;
      const batches = channel<SqlBatch>();
      let readers: readonly Reader[] = [];
      let queryId: string | null = null;
      const kill = (): void => {
        if (queryId !== null) client.kill(queryId, () => {});
      };
      const settled = (): void => signal.removeEventListener('abort', kill);
      const failed = (error: unknown): void => {
        settled();
        kill();
        reject(error);
        batches.fail(error);
      };
      signal.addEventListener('abort', kill, { once: true });
      client.execute({
        query: sql,
        session: sessionOf(request),
        timezone: 'UTC',
        timeout: null,
        headers: engine === 'trino' ? CAPABILITIES : {},
        cancel: () => signal.aborted,
        state(_, id) {
          queryId = id;
          if (signal.aborted) kill();
        },
        columns(_, described) {
          const found = described.map(({ name, type }) => ({ name, reader: prestoReader(type) }));
          readers = found.map(({ reader }) => reader);
          const columns = found.map(({ name, reader }) => ({ name, type: reader.type }));
          resolve({ columns, batches: batches.values() });
        },
        data(_, rows) {
          try {
            batches.push(batchOf(readers, rows));
          } catch (error) {
            failed(error);
          }
        },
        success() {
          settled();
          resolve({ columns: [], batches: batches.values() });
          batches.end();
        },
        error: (error) => failed(errorOf(options, request, error)),
      });
    });

  return { engine, run, close: async () => {} };
};
