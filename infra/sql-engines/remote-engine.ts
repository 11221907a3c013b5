/**
 * An engine on servers of its own, behind the port of SQL engines. The statement is checked, its
 * tables become queries of WITH over the engine's catalog, and the whole result is taken before it
 * is answered: so a limit is an error, never a result that breaks off.
 */
import { fail, MillraceError } from '#domain/errors.ts';
import type { SqlEngine, SqlQuery, SqlResult, SqlTable } from '#domain/ports/sql-engine.ts';
import { isRefusedFunction } from '#domain/sql/statements/refused-functions.ts';
import { checkedStatement } from '#domain/sql/statements/with-tables.ts';
import { tableQuery } from '#domain/sql/tables/table-query.ts';
import { enginesFor, TABLE_SYNTAXES } from '#domain/sql/tables/table-syntaxes.ts';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import { tooLong, tooManyBytes, tooManyRows } from '#infra/shared/sql/limit-errors.ts';
import { packed, unpacked } from '#infra/shared/sql/packed-batch.ts';
import type { Driver, DriverAnswer } from './driver.ts';

export interface RemoteEngineOptions {
  readonly driver: Driver;
  /** the name that the engine has Millrace's catalog by */
  readonly catalog: string;
  /** of the engine, for each statement, where it limits that; default 1024 */
  readonly memoryMb?: number;
  /** statements at a time; default 4 */
  readonly atOnce?: number;
}

const MEMORY_MB = 1024;
const AT_ONCE = 4;
const RETRY_MS = 2_000;
const MEBIBYTE = 1024 * 1024;
/** of a result, which is in this process until it is sent */
const MAX_BYTES = 64 * MEBIBYTE;

const aborted = (): Error => new DOMException('The statement was cancelled.', 'AbortError');

/** Ends once, for one reason; what waits then fails with it. */
interface Ending {
  readonly signal: AbortSignal;
  readonly end: (why: Error) => void;
  readonly why: () => Error | null;
  readonly orEnded: <T>(work: Promise<T>) => Promise<T>;
}

const createEnding = (): Ending => {
  const controller = new AbortController();
  let why: Error | null = null;
  const ended = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(why), { once: true });
  });
  ended.catch(() => {});
  return {
    signal: controller.signal,
    end(reason) {
      why ??= reason;
      controller.abort();
    },
    why: () => why,
    orEnded: (work) => {
      work.catch(() => {});
      return Promise.race([work, ended]);
    },
  };
};

const checkFormats = (driver: Driver, tables: readonly SqlTable[]): void => {
  const { reads, title, name } = TABLE_SYNTAXES[driver.engine];
  for (const { name: table, stored } of tables)
    if (stored !== null && !reads.includes(stored.format))
      fail(
        'MR_SQL_TABLE_UNREADABLE',
        `${title} reads tables of the format ${stored.format} wrongly, and "${table}" is one: use ${enginesFor(stored.format).join(', ')}`,
        { engine: name, table, format: stored.format, engines: enginesFor(stored.format) },
      );
};

/** All batches, packed. @throws MR_SQL_LIMIT; what the iteration throws */
const gathered = async (
  { batches }: DriverAnswer,
  { limits }: SqlQuery,
  { orEnded }: Ending,
): Promise<{ readonly rows: number; readonly parts: readonly Uint8Array[] }> => {
  const iterator = batches[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let [rows, bytes] = [0, 0];
  try {
    for (;;) {
      const { done, value } = await orEnded(iterator.next());
      if (done === true) return { rows, parts };
      rows += value.rows;
      if (rows > limits.rows) throw tooManyRows(limits.rows);
      if (value.rows === 0) continue;
      for (const part of packed(value)) {
        bytes += part.length;
        if (bytes > MAX_BYTES) throw tooManyBytes(MAX_BYTES / MEBIBYTE);
        parts.push(part);
      }
    }
  } finally {
    void iterator.return?.().catch(() => {});
  }
};

async function* batchesOf(parts: readonly Uint8Array[], { why }: Ending): AsyncGenerator<SqlBatch> {
  for (const part of parts) {
    const ended = why();
    if (ended !== null) throw ended;
    yield unpacked(part);
  }
}

/** An answer without batches is still closed. */
const result = (
  columns: SqlResult['columns'],
  rows: number,
  parts: readonly Uint8Array[],
  ending: Ending,
): SqlResult => ({
  columns,
  rows,
  batches: {
    [Symbol.asyncIterator]() {
      const all = batchesOf(parts, ending);
      return {
        async next() {
          const ended = ending.why();
          if (ended !== null) throw ended;
          return all.next();
        },
        return: () => all.return(undefined),
      };
    },
  },
  close: () => ending.end(aborted()),
});

export const remoteEngine = ({
  driver,
  catalog,
  memoryMb = MEMORY_MB,
  atOnce = AT_ONCE,
}: RemoteEngineOptions): SqlEngine => {
  const syntax = TABLE_SYNTAXES[driver.engine];
  const running = new Set<Ending>();
  let closed = false;

  const run = async (request: SqlQuery, ending: Ending): Promise<SqlResult> => {
    const { sql, tables, limits } = request;
    const statement = checkedStatement(sql, syntax.lexis, (name) =>
      isRefusedFunction(driver.engine, name),
    );
    const pinned = await ending.orEnded(tables(statement.tables));
    checkFormats(driver, pinned);
    const text = statement.over(
      new Map(pinned.map((table) => [table.name, tableQuery(syntax, catalog, table)])),
    );
    const timer = setTimeout(() => ending.end(tooLong(limits.seconds)), limits.seconds * 1000);
    try {
      const { signal } = ending;
      const answer = await ending.orEnded(driver.run({ sql: text, limits, memoryMb, signal }));
      const { rows, parts } = await gathered(answer, request, ending);
      return result(answer.columns, rows, parts, ending);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    name: driver.engine,
    async query(request) {
      if (closed) fail('MR_UNAVAILABLE', 'the server is stopping');
      if (request.signal?.aborted === true) throw aborted();
      if (running.size >= atOnce)
        fail('MR_OVERLOADED', `${running.size} statements run on ${syntax.title}: try later`, {
          limit: atOnce,
          retryAfterMs: RETRY_MS,
        });
      const ending = createEnding();
      running.add(ending);
      const abort = (): void => ending.end(aborted());
      request.signal?.addEventListener('abort', abort, { once: true });
      try {
        return await run(request, ending);
      } catch (error) {
        const why = ending.why();
        ending.end(why ?? aborted());
        if (why !== null) throw why;
        throw error instanceof Error ? error : new MillraceError('MR_INTERNAL', String(error));
      } finally {
        request.signal?.removeEventListener('abort', abort);
        running.delete(ending);
      }
    },
    async close() {
      closed = true;
      for (const ending of running) ending.end(aborted());
      await driver.close();
    },
  };
};
