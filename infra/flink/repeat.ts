/** Work that is repeated until it is stopped. */
import { messageOf } from '#domain/error-message.ts';

export interface Repetition {
  /** Runs the work within `soonMs`; while it runs: once more after that. */
  readonly soon: () => void;
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
  const turn = (): void => {
    timer = null;
    isSoon = false;
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
        if (!stopped) timer = setTimeout(turn, isSoon ? soonMs : ms);
      });
  };
  timer = setTimeout(turn, ms);
  return {
    soon() {
      if (isSoon || stopped) return;
      isSoon = true;
      if (timer === null) return;
      clearTimeout(timer);
      timer = setTimeout(turn, soonMs);
    },
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await running;
    },
  };
};
