/**
 * Spark, by Spark Connect: gRPC with results as Arrow. A session for each statement, in UTC. Spark
 * has no limit for the memory of one statement.
 */
import { randomUUID } from 'node:crypto';
import { type ServiceError, status } from '@grpc/grpc-js';
import { type RecordBatch, RecordBatchReader } from 'apache-arrow';
import { fail } from '#domain/errors.ts';
import { arrowReader } from '#domain/sql-results/arrow-values.ts';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import type { Driver, DriverAnswer, DriverRequest } from './driver.ts';
import { failedOn, invalidOn, unavailable } from './engine-errors.ts';
import {
  type ArrowPart,
  connectSpark,
  INTERRUPT_ALL,
  metadataOf,
  type SparkSession,
} from './spark-protocol.ts';

export interface SparkOptions {
  /** sc://host:15002; scs://… with TLS */
  readonly url: string;
  readonly user: string;
  /** with TLS only */
  readonly token?: string;
}

const DEFAULT_PORT = 15_002;

const SETTINGS: Readonly<Record<string, string>> = {
  'spark.sql.session.timeZone': 'UTC',
  // So that a text means what it was checked to mean.
  'spark.sql.parser.escapedStringLiterals': 'false',
  'spark.sql.ansi.doubleQuotedIdentifiers': 'false',
};

/** Of Spark's classes of errors, [TABLE_OR_VIEW_NOT_FOUND], those that are not of the statement. */
const OF_SERVER =
  /^(INTERNAL_ERROR|FAILED_(READ|EXECUTE)|CONNECT|SESSION|INVALID_HANDLE|OPERATION)/;

const errorOf = (url: string, error: unknown): unknown => {
  const { code, details = '' } = error as Partial<ServiceError>;
  if (code === undefined) return error;
  if (code === status.UNAVAILABLE || code === status.UNAUTHENTICATED)
    return unavailable('spark', url, details);
  const [, name, message] = /\[([A-Z][A-Z0-9_.]+)\]\s*([\s\S]*)/.exec(details) ?? [];
  return name === undefined || OF_SERVER.test(name)
    ? failedOn('spark', name ?? status[code] ?? 'unknown')
    : invalidOn('spark', message?.split('\n\nJVM stacktrace')[0] ?? name);
};

const batchesIn = ({ arrowBatch }: ArrowPart): readonly RecordBatch[] => {
  const data = arrowBatch?.data;
  if (data === undefined || data.length === 0) return [];
  return [...RecordBatchReader.from(data)] as readonly RecordBatch[];
};
const schemaIn = ({ arrowBatch }: ArrowPart) => {
  const reader = RecordBatchReader.from(arrowBatch?.data ?? new Uint8Array());
  reader.open();
  return reader.schema;
};

export const sparkDriver = ({ url, user, token }: SparkOptions): Driver => {
  const { protocol, hostname, port } = new URL(url);
  const isEncrypted = protocol === 'scs:';
  if (token !== undefined && !isEncrypted)
    fail('MR_PARAMETER_INVALID', `spark: a password is sent over scs:// only, not to ${url}`, {
      parameter: 'url',
    });
  const client = connectSpark(`${hostname}:${port || DEFAULT_PORT}`, isEncrypted);
  const metadata = metadataOf(token);

  const setUp = (session: SparkSession): Promise<void> =>
    new Promise((resolve, reject) => {
      const pairs = Object.entries(SETTINGS).map(([key, value]) => ({ key, value }));
      client.config({ ...session, operation: { set: { pairs } } }, metadata, (error) =>
        error === null ? resolve() : reject(error),
      );
    });

  const execute = async ({ sql, signal }: DriverRequest): Promise<DriverAnswer> => {
    const session: SparkSession = {
      sessionId: randomUUID(),
      userContext: { userId: user, userName: user },
      clientType: 'millrace',
    };
    await setUp(session);
    signal.throwIfAborted();
    const plan = { root: { sql: { query: sql } } };
    const call = client.executePlan({ ...session, plan, operationId: randomUUID() }, metadata);
    const interrupt = (): void => {
      client.interrupt({ ...session, interruptType: INTERRUPT_ALL }, metadata, () => {});
      call.cancel();
    };
    signal.addEventListener('abort', interrupt, { once: true });
    const end = (): void => {
      signal.removeEventListener('abort', interrupt);
      call.on('error', () => {});
      call.cancel();
      client.releaseSession(session, metadata, () => {});
    };
    const parts = call[Symbol.asyncIterator]() as AsyncIterator<ArrowPart>;
    try {
      let first: IteratorResult<ArrowPart> = await parts.next();
      while (first.done !== true && (first.value.arrowBatch?.data.length ?? 0) === 0)
        first = await parts.next();
      if (first.done === true) {
        end();
        return { columns: [], batches: none() };
      }
      const { columns, read } = arrowReader(schemaIn(first.value));
      const batches = async function* (): AsyncGenerator<SqlBatch> {
        try {
          let part: IteratorResult<ArrowPart> = first;
          for (; part.done !== true; part = await parts.next())
            for (const batch of batchesIn(part.value)) yield read(batch);
        } catch (error) {
          throw errorOf(url, error);
        } finally {
          end();
        }
      };
      return { columns, batches: batches() };
    } catch (error) {
      end();
      throw error;
    }
  };

  return {
    engine: 'spark',
    async run(request) {
      try {
        return await execute(request);
      } catch (error) {
        throw errorOf(url, error);
      }
    },
    async close() {
      client.close();
    },
  };
};

async function* none(): AsyncGenerator<SqlBatch> {}
