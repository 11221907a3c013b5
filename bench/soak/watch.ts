/**
 * The observations of a soak, by minute: operations with their latencies, errors, and restarts,
 * whose windows count for neither.
 */
import { percentile } from '../support/report.ts';
import { codeOf, WHILE_RESTARTING, Wrong } from './errors.ts';
import type { Sample } from './rig.ts';

/** After a part serves again, clients that wait between tries need time to come back. */
const SETTLING_MS = 3_000;

export interface Minute {
  operations: number;
  promised: number;
  restarts: string[];
  changes: number;
  readonly latencies: Map<string, number[]>;
  readonly samples: Sample[];
  /** how late this process's own timers were, ms: the effect of the machine's load on everything */
  readonly lag: number[];
}

export interface Watch {
  readonly minutes: readonly Minute[];
  /** expected errors, by code */
  readonly promised: ReadonlyMap<string, number>;
  /** all other errors: each is a failure */
  readonly failures: readonly string[];
  readonly operations: ReadonlyMap<string, number>;
  /**
   * Runs one operation, measures it from the time it was due, and classifies its end. @returns null
   * where it failed
   */
  readonly operation: <T>(kind: string, due: number, run: () => Promise<T>) => Promise<T | null>;
  readonly restarting: (name: string, restart: () => Promise<void>) => Promise<void>;
  readonly changed: () => void;
  readonly fail: (what: string) => void;
  readonly sampled: (sample: Sample | null) => void;
  readonly lagged: (ms: number) => void;
}

export const createWatch = (startedAt: number): Watch => {
  const minutes: Minute[] = [];
  const promised = new Map<string, number>();
  const operations = new Map<string, number>();
  const failures: string[] = [];
  const windows: { from: number; to: number }[] = [];
  const minute = (): Minute => {
    const index = Math.floor((Date.now() - startedAt) / 60_000);
    while (minutes.length <= index)
      minutes.push({
        operations: 0,
        promised: 0,
        restarts: [],
        changes: 0,
        latencies: new Map(),
        samples: [],
        lag: [],
      });
    return minutes[index] as Minute;
  };
  const add = (counts: Map<string, number>, key: string): void =>
    void counts.set(key, (counts.get(key) ?? 0) + 1);
  const disturbed = (from: number, to: number): boolean =>
    windows.some((w) => from <= w.to && to >= w.from);
  const time = (): string => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;

  return {
    minutes,
    promised,
    failures,
    operations,
    async operation(kind, due, run) {
      const from = Date.now();
      const now = minute();
      now.operations++;
      add(operations, kind);
      try {
        const value = await run();
        if (!disturbed(from, Date.now())) {
          const list = now.latencies.get(kind) ?? [];
          now.latencies.set(kind, list);
          list.push(performance.now() - due);
        }
        return value;
      } catch (error) {
        const code = codeOf(error);
        if (
          !(error instanceof Wrong) &&
          WHILE_RESTARTING.has(code) &&
          disturbed(from, Date.now())
        ) {
          add(promised, code);
          now.promised++;
        } else {
          failures.push(
            `${time()} ${kind}: ${code}${error instanceof Error ? ` — ${error.message}` : ''}`,
          );
        }
        return null;
      }
    },
    async restarting(name, restart) {
      const window = { from: Date.now(), to: Number.POSITIVE_INFINITY };
      windows.push(window);
      try {
        await restart();
      } finally {
        window.to = Date.now() + SETTLING_MS;
      }
      minute().restarts.push(
        `${name} ${((window.to - SETTLING_MS - window.from) / 1000).toFixed(1)} s`,
      );
    },
    changed: () => void minute().changes++,
    fail: (what) => void failures.push(`${time()} ${what}`),
    sampled: (sample) =>
      sample !== null && !disturbed(Date.now(), Date.now()) && void minute().samples.push(sample),
    lagged: (ms) => void minute().lag.push(ms),
  };
};

export const p99Of = (lists: readonly (readonly number[])[]): number =>
  percentile(
    lists.flat().sort((a, b) => a - b),
    0.99,
  );
