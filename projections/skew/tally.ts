/** The totals of one feature: compared, equal and different values, and their causes. */
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import {
  type FeatureSkew,
  SKEW_CAUSES,
  type SkewCause,
  type SkewExample,
} from '#domain/feature-log/skew.ts';
import type { Value } from '#domain/values/value.ts';
import type { Explained } from './explain-row.ts';

const EXAMPLES = 5;

export interface Tally {
  readonly equal: () => void;
  readonly differs: (row: FeatureLogRow, eventTime: Value, explained: Explained) => void;
  readonly report: () => FeatureSkew;
}

export const createTally = (feature: string): Tally => {
  const causes = Object.fromEntries(SKEW_CAUSES.map((cause) => [cause, 0])) as Record<
    SkewCause,
    number
  >;
  /** one example for each set of causes, up to a limit */
  const examples = new Map<string, SkewExample>();
  let [equal, differing, numbers, sum, featureLogNull, eventTimeNull] = [0, 0, 0, 0, 0, 0];
  let largest: number | null = null;
  return {
    equal: () => void equal++,
    differs(row, eventTime, explained) {
      if (explained.causes.length === 0) return void equal++;
      differing++;
      for (const cause of explained.causes) causes[cause]++;
      const served = row.values[feature] ?? null;
      if (served === null) featureLogNull++;
      if (eventTime === null) eventTimeNull++;
      if (typeof served === 'number' && typeof eventTime === 'number') {
        const difference = Math.abs(served - eventTime);
        numbers++;
        sum += difference;
        largest = Math.max(largest ?? 0, difference);
      }
      const kind = explained.causes.join();
      if (examples.has(kind) || examples.size >= EXAMPLES) return;
      const { requestId, row: number, entity, at, known } = row;
      examples.set(kind, {
        requestId,
        row: number,
        entity,
        at,
        known,
        served,
        eventTime,
        ...explained,
      });
    },
    report: () => ({
      feature,
      compared: equal + differing,
      equal,
      differing,
      share: differing === 0 ? 0 : differing / (equal + differing),
      largest,
      mean: numbers === 0 ? null : sum / numbers,
      featureLogNull,
      eventTimeNull,
      causes,
      examples: [...examples.values()],
    }),
  };
};
