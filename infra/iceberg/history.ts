/** The history port on Iceberg tables: reads in this thread, writes in a worker thread. */
import { Worker } from 'node:worker_threads';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader, readsOf } from '#infra/shared/iceberg/reader.ts';
import type { KeysOfTopics } from '#infra/shared/iceberg/sorted-by-keys.ts';
import { workerUrl } from '#infra/shared/worker-url.ts';
import type { HistoryInputModule } from './input.ts';
import { type Answer, fromWire, type Request, type WorkerSettings } from './worker-messages.ts';

export interface IcebergHistoryOptions {
  /** tables are in <root>/<namespace>/<table>; this process must be the only writer */
  readonly root: Directory;
  /** a path on the local disk, for sorts that do not fit in memory */
  readonly spillDirectory: string;
  /** opened by the worker thread: its own reader of the log, and its own file system */
  readonly input: HistoryInputModule;
  readonly commitRows?: number;
  readonly commitAtRows?: number;
  /** ms; 0: only `sync` writes */
  readonly commitAfterMs?: number;
  readonly writerMemory?: string;
  readonly readerMemory?: string;
  readonly readerThreads?: number;
  /** source → event time field, where the Avro schema of raw.<source> has no `eventTime` */
  readonly eventTimes?: Readonly<Record<string, string>>;
  /** the id of the platform that new tables belong to */
  readonly platform?: string;
  /** a commit that the worker started by itself failed; it retries by itself */
  readonly onFailure?: (topic: string, error: MillraceError) => void;
}

/** A request before it has an id. */
type NewRequest = {
  readonly [K in Request['do']]: Omit<Extract<Request, { do: K }>, 'id'>;
}[Request['do']];

export interface IcebergHistory extends HistoryTables {
  /**
   * Files that are written from now on are sorted by these fields, so that reads of one entity find
   * it; changes no answer.
   */
  sortBy(keys: KeysOfTopics): Promise<void>;
}

export const openIcebergHistory = async (
  options: IcebergHistoryOptions,
): Promise<IcebergHistory> => {
  const { root, spillDirectory } = options;
  const settings: Omit<WorkerSettings, 'keys'> = {
    root: root.uri,
    spillDirectory,
    input: options.input,
    memoryLimit: options.writerMemory ?? '512MB',
    commitRows: options.commitRows ?? 500_000,
    commitAtRows: options.commitAtRows ?? 250_000,
    commitAfterMs: options.commitAfterMs ?? 10_000,
    eventTimes: options.eventTimes ?? {},
    platform: options.platform,
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
  let keys: KeysOfTopics = {};
  /** topic → why its table could not be written */
  const writing = new Map<string, string>();
  const waiting = new Map<
    number,
    { readonly topic: string | null; resolve(): void; reject(error: unknown): void }
  >();

  /** A worker that died is started again, and continues from the tables' offsets. */
  const start = (): Worker => {
    const started = new Worker(workerUrl('./worker', import.meta.url), {
      workerData: { ...settings, keys },
    });
    let cause = 'it exited';
    started.on('message', (answer: Answer) => {
      if (answer.id === null) {
        if ('recovered' in answer) writing.delete(answer.recovered);
        else {
          const error = fromWire(answer.error);
          writing.set(answer.failed, error.message);
          options.onFailure?.(answer.failed, error);
        }
        return;
      }
      const call = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (call === undefined) return;
      if (answer.error === null) {
        if (call.topic !== null) writing.delete(call.topic);
        return call.resolve();
      }
      const error = fromWire(answer.error);
      if (call.topic !== null) writing.set(call.topic, error.message);
      call.reject(error);
    });
    started.on('error', (error) => {
      cause = messageOf(error);
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

  const send = (request: NewRequest): Promise<void> => {
    if (closed) throw new MillraceError('MR_UNAVAILABLE', 'The history is closed.');
    const id = ++lastId;
    return new Promise((done, reject) => {
      const topic = 'topic' in request ? request.topic : null;
      waiting.set(id, { topic, resolve: done, reject });
      running().postMessage({ ...request, id } as Request);
    });
  };

  if (settings.commitAfterMs > 0) running();

  return {
    ...readsOf(reader),
    problems: () => new Map([...writing, ...reader.damaged()]),
    async sortBy(wanted) {
      if (closed || JSON.stringify(wanted) === JSON.stringify(keys)) return;
      keys = wanted;
      if (worker !== null) await send({ do: 'sort', keys });
    },
    sync: async (topic, upTo) => send({ do: 'sync', topic, upTo: upTo ?? null }),
    maintain: async (topic) => send({ do: 'maintain', topic }),
    trim: async (topic, what) => send({ do: 'trim', topic, what }),
    async close() {
      if (closed) return;
      if (worker !== null) {
        const stopping = worker;
        const exited = new Promise<void>((done) => stopping.once('exit', () => done()));
        await send({ do: 'close' }).catch(() => undefined);
        closed = true;
        await exited;
      }
      closed = true;
      reader.close();
    },
  };
};
