/** Work that is repeated until it is stopped. */
import { messageOf } from '#domain/error-message.ts';

/**
 * Runs `work` every `ms`, each time `ms` after the last run has ended. A failure is reported once,
 * until `work` succeeds or fails with another message. Returns the function that stops it; a run
 * under way goes on to its end, and its failure is not reported.
 */
export const repeat = (
  ms: number,
  work: () => Promise<void>,
  warn: (message: string) => void,
): (() => void) => {
  let lastWarning = '';
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;
  const turn = (): void => {
    work()
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
        if (!stopped) timer = setTimeout(turn, ms);
      });
  };
  timer = setTimeout(turn, ms);
  return () => {
    stopped = true;
    if (timer !== null) clearTimeout(timer);
  };
};
