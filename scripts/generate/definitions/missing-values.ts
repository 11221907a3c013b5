/**
 * What each aggregation answers where there is nothing to aggregate, computed with the code that
 * answers past reads: for the page of definitions and for its test.
 */
import type {
  EntityDefinition,
  FeatureDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { foldFeatures } from '#domain/tiles/fold.ts';
import type { FieldType, RawEvent, Value } from '#domain/values/value.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;

interface Case {
  readonly id: string;
  readonly says: string;
  /** hours before the read, and value, of each event of the entity */
  readonly events: readonly (readonly [hours: number, x: number | null])[];
  readonly ttl?: string;
}

export const MISSING_CASES: readonly Case[] = [
  { id: 'unknown', says: 'no event of the entity', events: [] },
  { id: 'empty', says: 'no event in the window', events: [[50, 1]] },
  { id: 'nulls', says: 'only nulls in the window', events: [[1, null]] },
  { id: 'expired', says: 'expired', events: [[50, 1]], ttl: '1d' },
  {
    id: 'overflow',
    says: 'overflow',
    events: [
      [1, 1],
      [2, 2],
      [3, 3],
    ],
  },
];

/** Parameters that every aggregation which needs them accepts; the limits are for overflow. */
export const PARAMETERS: Readonly<Record<string, FeatureDefinition['params']>> = {
  firstK: { k: 2 },
  lastK: { k: 2 },
  countDistinct: { limit: 2 },
  histogram: { edges: [0] },
  topK: { k: 2, limit: 2 },
  approxPercentile: { q: 0.5 },
  approxTopK: { k: 2 },
};

const SOURCE: SourceDefinition = {
  kind: 'source',
  name: 's',
  fields: { k: 'string', t: 'timestamp', x: 'double?' },
  eventTime: 't',
};
const ENTITY: EntityDefinition = { kind: 'entity', name: 'e', keys: { k: 'string' } };

export interface MissingValue {
  readonly id: string;
  readonly type: FieldType;
  readonly value: Value;
  readonly status: FeatureStatus;
}

const answerOf = (name: string, { id, events, ttl }: Case): MissingValue => {
  const params = PARAMETERS[name];
  const feature: FeatureDefinition = {
    aggregation: name,
    input: { op: 'col', name: 'x' },
    window: '1d',
    ...(params === undefined ? {} : { params }),
  };
  const plan = planView(
    {
      kind: 'feature-view',
      name: 'v',
      entity: 'e',
      source: 's',
      features: { f: feature },
      ...(ttl === undefined ? {} : { ttl }),
    },
    SOURCE,
    ENTITY,
  );
  const raw = events.map(([hours, x], offset): RawEvent => {
    const eventTime = NOW - hours * HOUR;
    return {
      row: { k: 'a', t: eventTime, x },
      eventTime,
      logTime: eventTime,
      partition: 0,
      offset,
    };
  });
  const { values, status } = foldFeatures(plan, raw, 'a', NOW);
  return {
    id,
    type: plan.features[0]?.type as FieldType,
    value: values[0] as Value,
    status: status[0] as FeatureStatus,
  };
};

/** The type in a view without a ttl, and what a read answers in each case. */
export const missingValues = (
  name: string,
): { readonly type: FieldType; readonly cases: readonly MissingValue[] } => {
  const cases = MISSING_CASES.map((one) => answerOf(name, one));
  return { type: (cases[0] as MissingValue).type, cases };
};
