/** ClickHouse, by its own client over HTTP. Results come as Arrow, so values have their types. */
import {
  type ClickHouseClient,
  ClickHouseError,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client';
import { type AsyncRecordBatchStreamReader, RecordBatchReader } from 'apache-arrow';
import type { MillraceError } from '#domain/errors.ts';
import { arrowReader } from '#domain/sql-results/arrow-values.ts';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import {
  tooLong,
  tooManyBytes,
  tooManyRows,
  tooMuchMemory,
} from '#infra/shared/sql/limit-errors.ts';
import type { Driver, DriverAnswer, DriverRequest } from './driver.ts';
import { failedOn, invalidOn, isNetworkError, unavailable } from './engine-errors.ts';

export interface ClickHouseOptions {
  /** http://host:8123 */
  readonly url: string;
  readonly user: string;
  readonly password?: string;
}

const MEBIBYTE = 1024 * 1024;
const RESULT_MB = 256;
/** The limit of a statement is the server's; this one is for a server that does not answer. */
const REQUEST_MS = 330_000;

/**
 * A client may still make limits stricter (`readonly` 2), but nothing that writes is accepted. The
 * server sends a result when all of it is there, so that an error has a status of its own.
 */
const settingsOf = ({ limits, memoryMb }: DriverRequest): ClickHouseSettings => ({
  readonly: '2',
  max_execution_time: limits.seconds,
  max_memory_usage: String(memoryMb * MEBIBYTE),
  max_result_rows: String(limits.rows),
  max_result_bytes: String(RESULT_MB * MEBIBYTE),
  result_overflow_mode: 'throw',
  wait_end_of_query: 1,
  session_timezone: 'UTC',
  // As other engines have it: nulls of outer joins and of aggregates over nothing, UNION, names.
  join_use_nulls: 1,
  aggregate_functions_null_for_empty: 1,
  union_default_mode: 'DISTINCT',
  cast_keep_nullable: 1,
  prefer_column_name_to_alias: 1,
  cancel_http_readonly_queries_on_client_close: 1,
  output_format_arrow_string_as_string: 1,
  output_format_arrow_compression_method: 'none',
});

/** By the code of ClickHouse's errors. */
const LIMITS: Readonly<Record<string, (request: DriverRequest, message: string) => MillraceError>> =
  {
    '159': ({ limits }) => tooLong(limits.seconds),
    '160': ({ limits }) => tooLong(limits.seconds),
    '241': ({ memoryMb }) => tooMuchMemory(memoryMb),
    '396': ({ limits }, message) =>
      /bytes/i.test(message.replace(/\(TOO_MANY_ROWS_OR_BYTES\)/, ''))
        ? tooManyBytes(RESULT_MB)
        : tooManyRows(limits.rows),
  };

/** Of the server, its network or its files: nothing that another statement would mend. */
const OF_SERVER: ReadonlySet<string> = new Set([
  'BAD_ARGUMENTS',
  'CANNOT_OPEN_FILE',
  'CANNOT_READ_ALL_DATA',
  'DATALAKE_DATABASE_ERROR',
  'FILE_DOESNT_EXIST',
  'ICEBERG_CATALOG_ERROR',
  'INCORRECT_DATA',
  'LOGICAL_ERROR',
  'NETWORK_ERROR',
  'NOT_INITIALIZED',
  'PATH_ACCESS_DENIED',
  'S3_ERROR',
  'SOCKET_TIMEOUT',
  'STD_EXCEPTION',
  'UNKNOWN_DATABASE',
  'UNKNOWN_EXCEPTION',
  'AUTHENTICATION_FAILED',
  'ACCESS_DENIED',
]);

const errorOf = (url: string, request: DriverRequest, error: unknown): unknown => {
  if (error instanceof ClickHouseError) {
    const { code, type = 'unknown', message } = error;
    const limit = LIMITS[code];
    if (limit !== undefined) return limit(request, message);
    return OF_SERVER.has(type)
      ? failedOn('clickhouse', type)
      : invalidOn('clickhouse', message.replace(/^[^:]*DB::Exception: /, ''));
  }
  return isNetworkError(error) ? unavailable('clickhouse', url, error) : error;
};

export const clickHouseDriver = ({ url, user, password }: ClickHouseOptions): Driver => {
  const client: ClickHouseClient = createClient({
    url,
    username: user,
    password: password ?? '',
    application: 'millrace',
    request_timeout: REQUEST_MS,
    keep_alive: { enabled: false },
    // Its errors are the platform's, which says them where they belong.
    log: { level: ClickHouseLogLevel.OFF },
  });

  const run = async (request: DriverRequest): Promise<DriverAnswer> => {
    const { sql, signal } = request;
    try {
      const { stream } = await client.exec({
        query: `${sql}\nFORMAT ArrowStream`,
        clickhouse_settings: settingsOf(request),
        abort_signal: signal,
      });
      const reader = await RecordBatchReader.from(stream as AsyncIterable<Uint8Array>);
      await reader.open();
      const { columns, read } = arrowReader(reader.schema);
      const batches = async function* (): AsyncGenerator<SqlBatch> {
        try {
          for await (const batch of reader as AsyncRecordBatchStreamReader) yield read(batch);
        } finally {
          stream.destroy();
        }
      };
      return { columns, batches: batches() };
    } catch (error) {
      throw errorOf(url, request, error);
    }
  };

  return { engine: 'clickhouse', run, close: () => client.close() };
};
