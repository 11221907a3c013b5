/**
 * The SQL engine of the platform itself: DuckDB, in a process of its own for each statement. So a
 * statement can be killed, and ends nothing but itself if it runs out of memory or crashes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fail, MillraceError } from '#domain/errors.ts';
import type { FileIO } from '#domain/ports/file-io.ts';
import type { SqlEngine, SqlQuery, SqlResult, SqlTable } from '#domain/ports/sql-engine.ts';
import { tooLong, tooMuchMemory } from '#infra/shared/sql/limit-errors.ts';
import { unpacked } from '#infra/shared/sql/packed-batch.ts';
import { workerUrl } from '#infra/shared/worker-url.ts';
import { type Answer, type ProcessLimits, type Request, TOO_LARGE } from './messages.ts';

export interface DuckDbSqlOptions {
  /** the file system of the tables */
  readonly files: FileIO;
  /** called with what a process wrote to stderr */
  readonly warn: (message: string) => void;
  /** statements at a time; default 4 */
  readonly atOnce?: number;
  /** of DuckDB, for each statement; default 512 */
  readonly memoryMb?: number;
}

/** Node, DuckDB's code, and what it does not count. */
const PROCESS_MB = 512;
const AT_ONCE = 4;
const MEMORY_MB = 512;
const RETRY_MS = 2_000;
const IDLE_MS = 120_000;
const STDERR_CHARACTERS = 2_000;

const aborted = (): Error => new DOMException('The statement was cancelled.', 'AbortError');

/** One request at a time. A process that ends, or is ended, fails the request that waits. */
interface Running {
  readonly ask: <Is extends Answer['is']>(
    request: Request,
    is: Is,
  ) => Promise<Extract<Answer, { is: Is }>>;
  /** Ends the process; `why` is what the request that waits, and later ones, fail with. */
  readonly end: (why: Error) => void;
  readonly ended: Promise<void>;
}

const start = (limits: ProcessLimits, warn: (message: string) => void): Running => {
  const child: ChildProcess = fork(fileURLToPath(workerUrl('./process', import.meta.url)), [], {
    // Nothing of the environment: it may have secrets.
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-old-space-size=256'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let why: Error | null = null;
  let waiting: { resolve(answer: Answer): void; reject(error: Error): void } | null = null;
  let written = '';
  child.stderr?.on('data', (data: Buffer) => {
    written = (written + String(data)).slice(0, STDERR_CHARACTERS);
  });
  const failWaiting = (error: Error): void => {
    waiting?.reject(error);
    waiting = null;
  };
  child.on('message', (message) => {
    const now = waiting;
    waiting = null;
    now?.resolve(message as Answer);
  });
  const ended = new Promise<void>((done) => {
    child.once('error', (error) => failWaiting(error));
    child.once('close', (code, signal) => {
      if (written !== '') warn(`a statement of SQL failed: ${written.trim()}`);
      why ??=
        code === TOO_LARGE || signal === 'SIGKILL'
          ? tooMuchMemory(limits.memoryMb)
          : new MillraceError(
              'MR_STORAGE_FAILED',
              `the process of the statement ended with ${signal ?? code}`,
            );
      failWaiting(why);
      done();
    });
  });
  return {
    ask: (request, is) =>
      new Promise((resolve, reject) => {
        if (why !== null) return reject(why);
        waiting = {
          reject,
          resolve(answer) {
            if (answer.is === 'failed')
              reject(new MillraceError(answer.code, answer.message, answer.details));
            else if (answer.is === is) resolve(answer as never);
            else reject(new MillraceError('MR_INTERNAL', `expected ${is}, got ${answer.is}`));
          },
        };
        child.send(request, (error) => {
          if (error !== null) failWaiting(why ?? error);
        });
        return undefined;
      }),
    end(reason) {
      why ??= reason;
      failWaiting(why);
      child.kill('SIGKILL');
    },
    ended,
  };
};

/** The table with its files as paths on the local disk. */
const openTable = async (table: SqlTable, { engine }: FileIO): Promise<SqlTable> => {
  const { rollup } = table;
  const read = { ...table, files: await engine.readable(table.files) };
  if (rollup?.rows !== 'history' || rollup.longer === null) return read;
  const longer = { ...rollup.longer, files: await engine.readable(rollup.longer.files) };
  return { ...read, rollup: { ...rollup, longer } };
};

/** A reader that stops reading does not keep the process. */
async function* batchesOf(running: Running, close: () => void): SqlResult['batches'] {
  const idle = setTimeout(() => running.end(aborted()), IDLE_MS);
  try {
    for (;;) {
      const { batch } = await running.ask({ do: 'next' }, 'batch');
      if (batch === null) return;
      idle.refresh();
      yield unpacked(batch);
    }
  } finally {
    clearTimeout(idle);
    close();
  }
}

export const duckDbSql = ({
  files,
  warn,
  atOnce = AT_ONCE,
  memoryMb = MEMORY_MB,
}: DuckDbSqlOptions): SqlEngine => {
  const all = new Set<Running>();
  let closed = false;

  const query = async ({ sql, tables, limits, signal }: SqlQuery): Promise<SqlResult> => {
    if (closed) fail('MR_UNAVAILABLE', 'the server is stopping');
    if (signal?.aborted === true) throw aborted();
    if (all.size >= atOnce)
      fail('MR_OVERLOADED', `${all.size} statements run, and no more may: try again later`, {
        limit: atOnce,
        retryAfterMs: RETRY_MS,
      });
    const process = { ...limits, memoryMb, processMb: memoryMb + PROCESS_MB };
    const running = start(process, warn);
    all.add(running);
    void running.ended.then(() => all.delete(running));
    const within = async <T>(work: Promise<T>, seconds: number): Promise<T> => {
      const timer = setTimeout(() => running.end(tooLong(limits.seconds)), seconds * 1000);
      return work.finally(() => clearTimeout(timer));
    };
    const abort = (): void => running.end(aborted());
    signal?.addEventListener('abort', abort, { once: true });
    const close = (): void => {
      signal?.removeEventListener('abort', abort);
      running.end(aborted());
    };
    try {
      const ask = running.ask({ do: 'prepare', sql, limits: process }, 'prepared');
      const prepared = await within(ask, limits.seconds);
      // Not within the limit: the tables may have to be written up to the present first.
      const pinned = await tables(prepared.tables);
      const opened = await Promise.all(pinned.map((table) => openTable(table, files)));
      const run = running.ask({ do: 'run', tables: opened }, 'ran');
      const { columns, rows } = await within(run, limits.seconds);
      return { columns, rows, batches: batchesOf(running, close), close };
    } catch (error) {
      close();
      throw error;
    }
  };

  return {
    name: 'duckdb',
    query,
    async close() {
      closed = true;
      for (const running of all) running.end(aborted());
      await Promise.all([...all].map(({ ended }) => ended));
    },
  };
};
