/** Trims the log, and then the history of sources that do not keep it, every minute. */
import { createTrimHistory, type TrimHistoryDependencies } from './trim-history.ts';
import { createTrimLog, type TrimLogDependencies } from './trim-log.ts';

export interface Retention {
  /** Trims now. @returns how many records of the log were trimmed */
  readonly trim: () => Promise<number>;
  /** When it resolves, nothing is being trimmed, and nothing will be. */
  readonly stop: () => Promise<void>;
}

type RetentionDependencies = TrimLogDependencies &
  TrimHistoryDependencies & {
    /**
     * Whether every wanted generation is among the running ones. Nothing is trimmed otherwise: one
     * that is not open may need it. Absent: always.
     */
    readonly isCurrent?: () => boolean;
  };

const EVERY_MS = 60_000;

export const openRetention = (
  dependencies: RetentionDependencies,
  everyMs = EVERY_MS,
): Retention => {
  let stopped = false;
  const trimLog = createTrimLog(dependencies, () => stopped);
  const trimHistory = createTrimHistory(dependencies, () => stopped);
  const { isCurrent = () => true } = dependencies;
  const trimBoth = async (): Promise<number> => {
    if (!isCurrent()) return 0;
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
