/**
 * Flink, by the REST interface of its SQL Gateway. A session for each statement: it runs as a batch
 * job in UTC, over the catalog that the session makes first, or that the gateway has.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '#domain/errors.ts';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import { callGateway, openSession } from '#infra/shared/flink/sql-gateway.ts';
import type { Driver, DriverAnswer, DriverRequest } from './driver.ts';
import { failedOn, invalidOn, unavailable } from './engine-errors.ts';
import { flinkReader, type LogicalType } from './flink-types.ts';
import { batchOf, parseDigits } from './readers.ts';

export interface FlinkOptions {
  /** http://host:8083 */
  readonly url: string;
  /** statements before the user's, such as CREATE CATALOG */
  readonly init: readonly string[];
}

interface Page {
  readonly resultType: 'NOT_READY' | 'PAYLOAD' | 'EOS';
  readonly results?: {
    readonly columns: readonly { readonly name: string; readonly logicalType: LogicalType }[];
    readonly data: readonly { readonly fields: readonly unknown[] }[];
  };
  readonly nextResultUri?: string;
}

const POLL_MS = 25;
const PROPERTIES = {
  'execution.runtime-mode': 'batch',
  'parallelism.default': '1',
  'table.local-time-zone': 'UTC',
};

const OF_STATEMENT =
  /Validat|SqlParse|Parser|CalciteContext|TableException|Object '.*' not found|NumberFormat|Arithmetic|DateTime/;

const errorOf = (url: string, error: unknown): unknown => {
  if (hasCode(error, 'MR_ENGINE_UNAVAILABLE')) return unavailable('flink', url, error);
  if (!hasCode(error, 'MR_ENGINE_FAILED')) return error;
  const message = error.message.replace(/^Flink refused: /, '');
  return OF_STATEMENT.test(message)
    ? invalidOn('flink', message.replace(/^[\w.$]+(Exception|Error): /, ''))
    : failedOn('flink', /([\w$]+(?:Exception|Error))/.exec(message)?.[0] ?? 'unknown');
};

/** Pages of an operation that is running; the first has the columns. */
async function* pagesOf(
  url: string,
  first: string,
  signal: AbortSignal,
): AsyncGenerator<NonNullable<Page['results']>> {
  let next: string | undefined = first;
  while (next !== undefined) {
    signal.throwIfAborted();
    const page = parseDigits(await callGateway(url, 'GET', next)) as Page;
    if (page.resultType === 'NOT_READY') {
      await sleep(POLL_MS);
      continue;
    }
    if (page.results !== undefined) yield page.results;
    if (page.resultType === 'EOS') return;
    next = page.nextResultUri;
  }
}

export const flinkDriver = ({ url, init }: FlinkOptions): Driver => {
  const execute = async ({ sql, signal }: DriverRequest): Promise<DriverAnswer> => {
    const session = await openSession(url, PROPERTIES);
    let operation: string | null = null;
    const end = async (): Promise<void> => {
      signal.removeEventListener('abort', abort);
      if (operation !== null && signal.aborted)
        await callGateway(url, 'POST', `${operation}/cancel`).catch(() => {});
      await session.close();
    };
    const abort = (): void => void end();
    signal.addEventListener('abort', abort, { once: true });
    try {
      for (const statement of init) await session.run(statement);
      signal.throwIfAborted();
      const body = { statement: sql };
      const text = await callGateway(url, 'POST', `${session.path}/statements`, body);
      const { operationHandle } = JSON.parse(text) as { operationHandle: string };
      operation = `${session.path}/operations/${operationHandle}`;
      const pages = pagesOf(url, `${operation}/result/0?rowFormat=JSON`, signal);
      const first = await pages.next();
      const described = first.done === true ? [] : first.value.columns;
      const found = described.map(({ name, logicalType }) => ({
        name,
        reader: flinkReader(logicalType),
      }));
      const readers = found.map(({ reader }) => reader);
      const batches = async function* (): AsyncGenerator<SqlBatch> {
        try {
          for (let page = first; page.done !== true; page = await pages.next())
            yield batchOf(
              readers,
              page.value.data.map(({ fields }) => fields),
            );
        } catch (error) {
          throw errorOf(url, error);
        } finally {
          await end();
        }
      };
      return {
        columns: found.map(({ name, reader }) => ({ name, type: reader.type })),
        batches: batches(),
      };
    } catch (error) {
      await end();
      throw error;
    }
  };
  return {
    engine: 'flink',
    async run(request) {
      try {
        return await execute(request);
      } catch (error) {
        throw errorOf(url, error);
      }
    },
    close: async () => {},
  };
};
