/**
 * The process of one statement. It ends when its parent does, and when it uses more memory than it
 * may: DuckDB counts most of what it allocates, but not all.
 */
import { writeFileSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { tooManyBytes, tooManyRows } from '#infra/shared/sql/limit-errors.ts';
import { packed } from '#infra/shared/sql/packed-batch.ts';
import { failureOf } from './failure.ts';
import { type Answer, type ProcessLimits, type Request, TOO_LARGE } from './messages.ts';
import { lockWith, openSession } from './session.ts';
import { tablesOf } from './statement.ts';
import { resultReader } from './values.ts';

const MEBIBYTE = 1024 * 1024;
const WATCH_MS = 50;
/** of the whole result */
const MAX_BYTES = 256 * MEBIBYTE;

let limits: ProcessLimits = { seconds: 0, rows: 0, memoryMb: 0, processMb: 0 };
let sql = '';
let connection: DuckDBConnection | null = null;
/** the whole result, last batch first */
let batches: Uint8Array[] = [];

const answer = (message: Answer): void => void process.send?.(message);

/** Where memory runs out all the same, the system should end this process first. */
const volunteer = (): void => {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Only Linux has it.
  }
};

const watchMemory = (): void => {
  setInterval(() => {
    if (process.memoryUsage.rss() > limits.processMb * MEBIBYTE) process.exit(TOO_LARGE);
  }, WATCH_MS).unref();
};

const prepare = async (request: Extract<Request, { do: 'prepare' }>): Promise<Answer> => {
  ({ sql, limits } = request);
  connection = await openSession(`${limits.memoryMb}MB`);
  watchMemory();
  return { is: 'prepared', tables: await tablesOf(connection, sql) };
};

const run = async ({ tables }: Extract<Request, { do: 'run' }>): Promise<Answer> => {
  const opened = connection as DuckDBConnection;
  await lockWith(opened, tables);
  const result = await opened.stream(sql);
  const { columns, read } = resultReader(result.columnNames(), result.columnTypes());
  let [rows, bytes] = [0, 0];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    rows += chunk.rowCount;
    if (rows > limits.rows) throw tooManyRows(limits.rows);
    for (const batch of packed(read(chunk))) {
      bytes += batch.length;
      if (bytes > MAX_BYTES) throw tooManyBytes(MAX_BYTES / MEBIBYTE);
      batches.push(batch);
    }
  }
  batches.reverse();
  return { is: 'ran', columns, rows };
};

const next = (): Answer => ({ is: 'batch', batch: batches.pop() ?? null });

volunteer();
process.on('disconnect', () => process.exit(0));
process.on('message', async (request: Request) => {
  try {
    if (request.do === 'prepare') answer(await prepare(request));
    else if (request.do === 'run') answer(await run(request));
    else answer(next());
  } catch (error) {
    batches = [];
    const failure = failureOf(error, limits);
    if (failure.code === 'MR_STORAGE_FAILED') process.stderr.write(`${String(error)}\n`);
    answer({ is: 'failed', ...failure.toJSON() });
  }
});
