/** Threads that join parts. Each one joins a part at a time. */
import { Worker } from 'node:worker_threads';
import { fail, MillraceError } from '#domain/errors.ts';
import { workerUrl } from '#infra/shared/worker-url.ts';
import { buffersOf } from './event-blocks.ts';
import { joinPart, type Part, type PartResult } from './join-part.ts';
import type { JoinAnswer } from './join-worker.ts';

export interface JoinThreads {
  /** No more parts are joined at a time. */
  readonly count: number;
  /**
   * The part's arrays are moved to another thread, and are gone from this one.
   * @throws MR_DATASET_FAILED where the thread ends
   */
  join(part: Part): Promise<readonly PartResult[]>;
  close(): Promise<void>;
}

/** Joins in the thread that calls, and needs no time to start. */
export const thisThread: JoinThreads = {
  count: 1,
  join: async (part) => joinPart(part),
  close: async () => {},
};

/** of each thread, for texts, lists and the windows of an entity */
const HEAP_MB = 1024;

const ended = (why: string): Error =>
  new MillraceError('MR_DATASET_FAILED', `a thread that joined the data set ended: ${why}`);

const errorOf = (answer: Exclude<JoinAnswer, { results: unknown }>): Error => {
  if ('error' in answer) return new Error(answer.error);
  const { code, message, details } = answer.refused;
  return new MillraceError(code, message, details);
};

/** What the arrays of a part are in. */
const movedWith = ({ events, views }: Part): ArrayBuffer[] => [
  ...('blocks' in events ? buffersOf(events.blocks) : []),
  ...views.flatMap(({ ids, times }) => [ids.buffer as ArrayBuffer, times.buffer as ArrayBuffer]),
];

const oneThread = (module: URL): Omit<JoinThreads, 'count'> => {
  const worker = new Worker(module, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
  let gone: Error | null = null;
  let waiting: PromiseWithResolvers<readonly PartResult[]> | null = null;
  const leave = (error: Error): void => {
    gone ??= error;
    waiting?.reject(gone);
  };
  worker.on('message', (answer: JoinAnswer) => {
    if ('results' in answer) waiting?.resolve(answer.results);
    else waiting?.reject(errorOf(answer));
  });
  worker.on('error', (error) => leave(ended(error.message)));
  worker.on('exit', (code) => leave(ended(`it exited with ${code}`)));
  return {
    async join(part) {
      if (gone !== null) throw gone;
      waiting = Promise.withResolvers();
      worker.postMessage(part, movedWith(part));
      return waiting.promise;
    },
    async close() {
      leave(ended('it was closed'));
      await worker.terminate();
    },
  };
};

/** @param module of the threads */
export const joinThreads = (
  count: number,
  module = workerUrl('./join-worker', import.meta.url),
): JoinThreads => {
  const threads = Array.from({ length: count }, () => oneThread(module));
  const idle = [...threads];
  return {
    count,
    async join(part) {
      const thread = idle.pop() ?? fail('MR_INTERNAL', 'no thread is free to join a part');
      try {
        return await thread.join(part);
      } finally {
        idle.push(thread);
      }
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
};
