/**
 * Runs stream tasks inside the log's transactions (the life of a task:
 * domain/ports/stream-task.ts).
 *
 *     running:  catching ──nothing left──▶ joined
 *                  ▲                         │ commit failed
 *                  └── pause ── recovering ◀─┘
 *     stopped:  failed (threw) · ended (stop)
 *
 * If a transaction is not committed, neither the output of a task nor its read positions are
 * stored: they are part of the same transaction, so they always agree.
 */
import { MillraceError } from '#domain/errors.ts';
import type {
  OpenTransaction,
  TaskHandle,
  TaskHost,
  TaskRunner,
} from '#domain/ports/stream-task.ts';
import type { RunningTask } from './running-task.ts';
import { type TaskCursor, taskCursor } from './task-cursor.ts';

/** A turn of catching up blocks the event loop for about this long. */
const TURN_MS = 10;
/** Less is not worth a commit, which takes its time however little it has. */
const LEAST_MS = 4;
const FIRST_CHUNK = 256;
const MAX_CHUNK = 16_384;
/**
 * Tasks that read each other's output need as many rounds as the chain is long; a cycle would never
 * end.
 */
const MAX_ROUNDS = 32;
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 2_000;
/** How long tasks wait before they look again whether they may catch up. */
const HELD_MS = 250;

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));

interface StreamTasksOptions {
  /** false: no task catches up for now; those that have joined go on */
  readonly mayCatchUp?: () => boolean;
}

export const streamTasks = (
  host: TaskHost,
  { mayCatchUp = () => true }: StreamTasksOptions = {},
): TaskRunner => {
  const running = new Set<RunningTask>();
  const touched = new Set<RunningTask>();
  const timers = new Set<NodeJS.Timeout>();
  let turn: NodeJS.Immediate | null = null;
  let queue: RunningTask[] = [];

  const halt = (it: RunningTask, state: 'failed' | 'ended', error: Error): void => {
    it.state = state;
    running.delete(it);
    touched.delete(it);
    for (const { reject } of it.waiting.splice(0)) reject(error);
  };

  const failTask = (it: RunningTask, thrown: unknown): void => {
    it.error = asError(thrown);
    halt(it, 'failed', it.error);
    try {
      it.recovery = Promise.resolve(it.task.rolledBack()).catch(() => {});
    } catch {
      // the first error is the cause; this one only followed from it
    }
  };

  const work = (
    it: RunningTask,
    records: ReturnType<TaskCursor['take']>,
    transaction: OpenTransaction,
  ): void => {
    try {
      const { records: out, positions = [] } = it.task.process(records, transaction.logTime);
      for (const { topic } of out) {
        if (it.task.topics.includes(topic))
          throw new MillraceError(
            'MR_INTERNAL',
            `Task "${it.task.consumer}" writes to topic "${topic}", which it reads.`,
          );
      }
      transaction.append({ records: out, positions });
      transaction.append({ records: [], positions: it.cursor.advance(records) });
      touched.add(it);
    } catch (error) {
      failTask(it, error);
    }
  };

  const joinIfDone = (it: RunningTask): boolean => {
    if (it.cursor.lag() > 0) return false;
    it.state = 'joined';
    for (const { resolve } of it.waiting.splice(0)) resolve();
    return true;
  };

  const step = (it: RunningTask): void => {
    const started = performance.now();
    try {
      host.commit((transaction) => {
        for (let now = started; it.state === 'catching' && now - started < it.budget; ) {
          const records = it.cursor.take(it.chunk);
          if (records.length === 0) return;
          const before = now;
          work(it, records, transaction);
          now = performance.now();
          const ideal = (records.length * it.budget) / Math.max(0.05, 2 * (now - before));
          it.chunk = Math.max(16, Math.min(MAX_CHUNK, it.chunk * 2, Math.floor(ideal)));
        }
      });
    } catch (error) {
      // A failed commit has put it into recovery. Where it is still catching, reading failed.
      if (it.state === 'catching') failTask(it, error);
    }
    const took = Math.max(0.1, performance.now() - started);
    const wanted = Math.min(TURN_MS, (it.budget * TURN_MS) / took, it.budget * 1.5);
    it.budget = Math.max(LEAST_MS, wanted);
  };

  const enqueue = (it: RunningTask): void => {
    queue.push(it);
    turn ??= setImmediate(takeTurn);
  };

  /** It gets its next turn when the archived records that it needs are there. */
  const whenLoaded = (it: RunningTask, loading: Promise<void>): void => {
    const unlessStopped = (then: () => void) => () => {
      if (it.state === 'catching') then();
    };
    loading.then(
      unlessStopped(() => enqueue(it)),
      (error: unknown) => unlessStopped(() => failTask(it, error))(),
    );
  };

  /** Looks again after a while. Other turns that begin before look themselves. */
  const takeTurnLater = (): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      turn ??= setImmediate(takeTurn);
    }, HELD_MS);
    timers.add(timer);
  };

  const takeTurn = (): void => {
    turn = null;
    if (!mayCatchUp()) return takeTurnLater();
    const it = queue.shift();
    if (it?.state === 'catching') {
      const loading = it.cursor.load();
      if (loading !== null) whenLoaded(it, loading);
      else {
        step(it);
        if (it.state === 'catching' && !joinIfDone(it)) queue.push(it);
      }
    }
    if (queue.length > 0) turn ??= setImmediate(takeTurn);
  };

  const start = (it: RunningTask): void => {
    it.state = 'catching';
    if (joinIfDone(it)) return;
    enqueue(it);
  };

  const recover = (it: RunningTask): void => {
    it.state = 'recovering';
    it.cursor.reset();
    const restored = async (): Promise<void> => it.task.rolledBack();
    const paused = new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        resolve();
      }, it.pause);
      timers.add(timer);
    });
    it.pause = Math.min(MAX_PAUSE_MS, it.pause * 2);
    it.recovery = restored();
    it.recovery
      .then(() => paused)
      .then(
        () => {
          if (it.state === 'recovering') start(it);
        },
        (error: unknown) => {
          if (it.state !== 'recovering') return;
          it.error = asError(error);
          halt(it, 'failed', it.error);
        },
      );
  };

  const handle = (it: RunningTask): TaskHandle => ({
    caughtUp: () => {
      if (it.state === 'joined') return Promise.resolve();
      if (it.error !== null) return Promise.reject(it.error);
      if (it.state === 'ended')
        return Promise.reject(
          new MillraceError('MR_UNAVAILABLE', `Task "${it.task.consumer}" is stopped.`),
        );
      return new Promise((resolve, reject) => it.waiting.push({ resolve, reject }));
    },
    async stop() {
      if (it.state !== 'failed' && it.state !== 'ended') {
        halt(
          it,
          'ended',
          new MillraceError(
            'MR_UNAVAILABLE',
            `Task "${it.task.consumer}" was stopped before it had caught up.`,
          ),
        );
      }
      await it.recovery.catch(() => {});
    },
    position: () => it.cursor.position(),
    lag: () => it.cursor.lag(),
    joined: () => it.state === 'joined',
    error: () => it.error,
  });

  return {
    run(task) {
      for (const other of running) {
        if (other.task.consumer === task.consumer)
          throw new MillraceError(
            'MR_REFUSED',
            `A task of consumer "${task.consumer}" is running already.`,
          );
      }
      const it: RunningTask = {
        task,
        cursor: taskCursor(host, task.consumer, task.topics),
        waiting: [],
        state: 'catching',
        error: null,
        chunk: FIRST_CHUNK,
        budget: TURN_MS / 2,
        pause: FIRST_PAUSE_MS,
        recovery: Promise.resolve(),
      };
      running.add(it);
      start(it);
      return handle(it);
    },
    react(transaction) {
      for (let round = 0, more = true; more; round++) {
        more = false;
        for (const it of [...running]) {
          if (it.state !== 'joined') continue;
          const records = it.cursor.appended(transaction);
          if (records.length === 0) continue;
          more = true;
          if (round < MAX_ROUNDS) work(it, records, transaction);
          else
            failTask(
              it,
              new MillraceError(
                'MR_INTERNAL',
                `Task "${it.task.consumer}" is part of a cycle of tasks that read each other's output.`,
              ),
            );
        }
      }
    },
    settled() {
      const done = [...touched];
      touched.clear();
      for (const it of done) {
        it.pause = FIRST_PAUSE_MS;
        try {
          it.task.committed();
        } catch (error) {
          failTask(it, error);
        }
      }
    },
    undone() {
      const lost = [...touched];
      touched.clear();
      for (const it of lost) recover(it);
    },
    async close() {
      const all = [...running];
      for (const it of all)
        halt(it, 'ended', new MillraceError('MR_UNAVAILABLE', 'The log was closed.'));
      if (turn !== null) clearImmediate(turn);
      queue = [];
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(all.map((it) => it.recovery.catch(() => {})));
    },
  };
};
