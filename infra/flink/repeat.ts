/** Work that is repeated until it is stopped. */
import { messageOf } from '#domain/error-message.ts';

export interface Repetition {
  /** Runs the work within `soonMs`; while it runs: once more after that. */
  readonly soon: () => void;
  /** As `soon`. Resolves when a run that began after the call has ended, also one that failed. */
  readonly next: () => Promise<void>;
  /** Resolves when no run is under way; none begins after the call. */
  readonly stop: () => Promise<void>;
}

/**
 * Runs `work` every `ms`, each time `ms` after the last run has ended; never twice at the same
 * time. A failure is reported once, until `work` succeeds or fails with another message. The
 * failure of a run under way at `stop` is not reported.
 */
export const repeat = (
  ms: number,
  work: () => Promise<void>,
  warn: (message: string) => void,
  soonMs = 0,
): Repetition => {
  let lastWarning = '';
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  /** whether the next run is to begin within `soonMs` */
  let isSoon = false;
  /** called at the end of the next run */
  let waiting: (() => void)[] = [];
  const turn = (): void => {
    timer = null;
    isSoon = false;
    const waited = waiting;
    waiting = [];
    running = work()
      .then(
        () => {
          lastWarning = '';
        },
        (error: unknown) => {
          const message = messageOf(error);
          if (message !== lastWarning && !stopped) warn(message);
          lastWarning = message;
        },
      )
      .finally(() => {
        running = null;
        for (const resolve of waited) resolve();
        if (!stopped) timer = setTimeout(turn, isSoon ? soonMs : ms);
      });
  };
  timer = setTimeout(turn, ms);
  const soon = (): void => {
    if (isSoon || stopped) return;
    isSoon = true;
    if (timer === null) return;
    clearTimeout(timer);
    timer = setTimeout(turn, soonMs);
  };
  return {
    soon,
    next() {
      if (stopped) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
        soon();
      });
    },
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await running;
      for (const resolve of waiting) resolve();
    },
  };
};
