/**
 * The history port on Iceberg tables in a local directory: reads here, writes in a worker thread.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MillraceError } from '#domain/errors.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import type { HistoryInputModule } from './input.ts';
import { type Answer, fromWire, type Request, type WorkerSettings } from './worker-messages.ts';

export interface IcebergHistoryOptions {
  /**
   * the platform's data directory: tables are in <data>/history/<namespace>/<table>. Its owner must
   * be the only writer.
   */
  readonly data: string;
  /** opened by the worker thread: its own reader of the log */
  readonly input: HistoryInputModule;
  readonly commitRows?: number;
  readonly commitAtRows?: number;
  /** 0: only `sync` writes */
  readonly commitAfterMs?: number;
  readonly writerMemory?: string;
  readonly readerMemory?: string;
  readonly readerThreads?: number;
  /**
   * source → event time field, where the Avro schema of raw.<source> has no `eventTime` attribute
   */
  readonly eventTimes?: Readonly<Record<string, string>>;
  /** a commit that the worker began by itself failed; it tries again by itself */
  readonly onFailure?: (topic: string, error: MillraceError) => void;
}

/** A request before it has an id. */
type Ask = {
  readonly [K in Request['do']]: Omit<Extract<Request, { do: K }>, 'id'>;
}[Request['do']];

export const openIcebergHistory = async (
  options: IcebergHistoryOptions,
): Promise<HistoryTables> => {
  const root = resolve(options.data, 'history');
  const spillDirectory = join(root, '.spill');
  mkdirSync(root, { recursive: true });
  const settings: WorkerSettings = {
    root,
    input: options.input,
    memoryLimit: options.writerMemory ?? '512MB',
    commitRows: options.commitRows ?? 500_000,
    commitAtRows: options.commitAtRows ?? 250_000,
    commitAfterMs: options.commitAfterMs ?? 10_000,
    eventTimes: options.eventTimes ?? {},
  };
  const reader = historyReader(
    root,
    await openDuckDb({
      memoryLimit: options.readerMemory ?? '512MB',
      threads: options.readerThreads ?? 2,
      spillDirectory,
    }),
  );

  let worker: Worker | null = null;
  let closed = false;
  let lastId = 0;
  const waiting = new Map<number, { resolve(): void; reject(error: unknown): void }>();

  /** A worker that died is started again: the tables say where to go on. */
  const start = (): Worker => {
    const started = new Worker(new URL('./worker.ts', import.meta.url), { workerData: settings });
    let cause = 'it exited';
    started.on('message', (answer: Answer) => {
      if (answer.id === null) {
        options.onFailure?.(answer.failed, fromWire(answer.error));
        return;
      }
      const call = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (answer.error === null) call?.resolve();
      else call?.reject(fromWire(answer.error));
    });
    started.on('error', (error) => {
      cause = error instanceof Error ? error.message : String(error);
    });
    started.on('exit', () => {
      if (worker === started) worker = null;
      for (const { reject } of waiting.values())
        reject(
          new MillraceError(
            'MR_STORAGE_FAILED',
            `The history's writer stopped (${cause}); try again.`,
            { cause },
          ),
        );
      waiting.clear();
      if (!closed && settings.commitAfterMs > 0)
        setTimeout(() => void (closed || running()), 1000).unref();
    });
    return started;
  };
  const running = (): Worker => {
    worker ??= start();
    return worker;
  };

  const ask = (request: Ask): Promise<void> => {
    if (closed) throw new MillraceError('MR_UNAVAILABLE', 'The history is closed.');
    const id = ++lastId;
    return new Promise((done, reject) => {
      waiting.set(id, { resolve: done, reject });
      running().postMessage({ ...request, id } as Request);
    });
  };

  if (settings.commitAfterMs > 0) running();

  return {
    endOffsets: reader.endOffsets,
    snapshot: reader.snapshot,
    dataFiles: reader.dataFiles,
    events: reader.events,
    scan: reader.scan,
    scanColumns: reader.scanColumns,
    updates: (view, where) => reader.updates(view, where),
    rows: reader.rows,
    sync: async (topic, upTo) => ask({ do: 'sync', topic, upTo: upTo ?? null }),
    maintain: async (topic) => ask({ do: 'maintain', topic }),
    async close() {
      if (closed) return;
      if (worker !== null) {
        const stopping = worker;
        const exited = new Promise<void>((done) => stopping.once('exit', () => done()));
        await ask({ do: 'close' }).catch(() => undefined);
        closed = true;
        await exited;
      }
      closed = true;
      reader.close();
    },
  };
};
