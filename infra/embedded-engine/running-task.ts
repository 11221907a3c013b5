/** A task that the runner has, and what it knows of it. */
import type { StreamTask } from '#domain/ports/stream-task.ts';
import type { TaskCursor } from './task-cursor.ts';

export interface RunningTask {
  readonly task: StreamTask;
  readonly cursor: TaskCursor;
  readonly waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[];
  state: 'catching' | 'joined' | 'recovering' | 'failed' | 'ended';
  error: Error | null;
  /**
   * records a call, and ms of processing a turn, such that the turn with its commit takes about
   * TURN_MS (stream-tasks.ts)
   */
  chunk: number;
  budget: number;
  pause: number;
  recovery: Promise<void>;
}
