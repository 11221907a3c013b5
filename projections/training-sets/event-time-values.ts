/** Event-time values of given rows, in memory. */
import type { DatasetRequest } from '#domain/api/datasets.ts';
import { MillraceError } from '#domain/errors.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import type { Row } from '#domain/values/value.ts';
import type { EventTimeValues } from '#projections/skew/skew.ts';
import { problemOf } from './dataset-runs.ts';
import { type HistoryDependencies, pinHistory } from './pin-history.ts';
import type { Pinned } from './pin-target.ts';

interface ValuesDependencies extends HistoryDependencies {
  readonly builder: Pick<TrainingSetBuilder, 'values'>;
}

export const createEventTimeValues = (
  dependencies: ValuesDependencies,
  pin: (target: DatasetRequest['target']) => Pinned,
) => {
  const { builder } = dependencies;
  /** work that no request has an id of */
  const unnamed = new Map<AbortController, Promise<unknown>>();
  const compute = async (
    service: string,
    spine: readonly Row[],
    known: number,
  ): Promise<EventTimeValues> => {
    const pinned = pin({ service });
    const { target, views } = pinned;
    if (spine.length === 0) return { target, views, rows: [] };
    const mode = 'event-time';
    const abort = new AbortController();
    const build = async (): Promise<EventTimeValues['rows']> => {
      const files = await pinHistory(dependencies, pinned, { mode, known });
      return builder.values({ target, mode, ...files }, spine, { signal: abort.signal });
    };
    const work = build();
    unnamed.set(
      abort,
      work.catch(() => undefined),
    );
    try {
      return { target, views, rows: await work };
    } catch (error) {
      const { code, message, details } = { details: {}, ...problemOf(error) };
      throw new MillraceError(code, message, details);
    } finally {
      unnamed.delete(abort);
    }
  };
  return {
    compute,
    abort(): void {
      for (const abort of unnamed.keys()) abort.abort();
    },
    settled: () => Promise.all(unnamed.values()),
  };
};
