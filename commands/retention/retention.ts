/** Trims the embedded log, and then the history of sources that do not keep it, every minute. */
import { createTrimHistory, type TrimHistoryDependencies } from './trim-history.ts';
import { createTrimLog, type TrimLogDependencies } from './trim-log.ts';

export interface Retention {
  /** Trims now. @returns how many records of the log were trimmed */
  readonly trim: () => Promise<number>;
  /** When it resolves, nothing is being trimmed, and nothing will be. */
  readonly stop: () => Promise<void>;
}

const EVERY_MS = 60_000;

export const openRetention = (
  dependencies: TrimLogDependencies & TrimHistoryDependencies,
  everyMs = EVERY_MS,
): Retention => {
  let stopped = false;
  const trimLog = createTrimLog(dependencies, () => stopped);
  const trimHistory = createTrimHistory(dependencies, () => stopped);
  const trimBoth = async (): Promise<number> => {
    const trimmed = await trimLog();
    await trimHistory();
    return trimmed;
  };
  let turn: Promise<number> = Promise.resolve(0);
  const trim = (): Promise<number> => {
    turn = turn.then(() => (stopped ? 0 : trimBoth()));
    return turn;
  };
  const timer = setInterval(() => void trim(), everyMs);
  timer.unref();
  return {
    trim,
    async stop() {
      stopped = true;
      clearInterval(timer);
      await turn;
    },
  };
};
