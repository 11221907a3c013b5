/**
 * The explanation of one feature of a view: the interval that the value covers, the tiles, the
 * feature updates, the raw events with their positions, and the value recomputed from those events,
 * which must equal the value that a reader gets.
 */

import type { ViewExplanation } from '#domain/api/serving.ts';
import { fail } from '#domain/errors.ts';
import { decodeKey, keyOfEntity } from '#domain/plan/entity-key.ts';
import type { EntityKey, FeatureStatus, PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import type { History } from '#domain/ports/history.ts';
import type { ServedView, ServingViews } from '#domain/ports/served-view.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { Knowledge } from '#domain/sources/knowledge.ts';
import { featureFrom, foldFeatures } from '#domain/tiles/fold.ts';
import { foldTile } from '#domain/tiles/fold-tile.ts';
import { formatDuration } from '#domain/values/duration.ts';
import { formatFieldType, readsAs } from '#domain/values/field-type.ts';
import { rowsShown, shownValue } from '#domain/values/float-digits.ts';
import type { FieldType, RawEvent, Row, Value } from '#domain/values/value.ts';
import { type HistoricalValue, readHistorical } from '#projections/serving/historical-read.ts';
import { type PastGeneration, servedAt } from '#projections/serving/past-generation.ts';
import type { RawEvents } from '#projections/serving/raw-events.ts';
import { sameResult } from './same-value.ts';

export interface ExplainFeatureDependencies {
  readonly views: Pick<ServingViews, 'live'>;
  readonly pastGeneration: PastGeneration;
  readonly rawEvents: RawEvents;
  readonly history: History;
  readonly definition: (view: string, version: number) => Promise<unknown>;
  /** the fields of a source, with their types */
  readonly fields: (source: string) => Readonly<Record<string, FieldType>>;
  readonly knowledge: (source: string, known: number) => Promise<Knowledge>;
  /** epoch ms; null: a live event */
  readonly importedKnownTime: (source: string, row: Row) => number | null;
  readonly leftOut: (
    view: string,
    generation: number,
  ) => Promise<((event: RawEvent) => boolean) | null>;
  /** the feature updates that are not in the history yet */
  readonly recentUpdates: (
    served: ServedView,
    key: string,
    hopMs: number,
  ) => Promise<readonly FeatureUpdate[]>;
}

export interface FeatureUpdate {
  readonly position: string;
  readonly logTime: number;
  readonly tileStart: number;
  readonly cause: string;
}

/** A value that a read answered. */
export interface ReadValue {
  readonly view: string;
  readonly feature: string;
  /** as the caller sent it; other keys are ignored */
  readonly entity: EntityKey;
  readonly value: Value;
  readonly status: FeatureStatus;
  readonly at: number;
  readonly known: number;
  /** whether the read named a past `known` */
  readonly past: boolean;
}

/** How many events an answer lists; it always has their total. */
const MAX_EVENTS = 1000;
const MAX_UPDATES = 1000;

/** The plan with one feature, so that it covers the feature's interval. */
const only = (plan: ViewPlan, feature: PlannedFeature): ViewPlan => ({
  ...plan,
  features: [feature],
});

const whyNotCounted = (plan: ViewPlan, feature: PlannedFeature, row: Row): string | null => {
  if (plan.filter !== null && plan.filter(row) !== true) return "the view's filter leaves it out";
  if (plan.existence !== null && plan.existence.evaluate(row) !== 1)
    return "it is a tombstone, or a row that the view's filter leaves out";
  const partials = feature.partials.map((p) => plan.hops[feature.hop]?.partials[p]);
  for (const partial of partials) {
    if (partial?.filter != null && partial.filter(row) !== true)
      return "the feature's filter leaves it out";
  }
  const evaluates = partials.filter((p) => p?.evaluate != null);
  if (evaluates.length > 0 && evaluates.every((p) => p?.evaluate?.(row) === null))
    return 'its value is null';
  return null;
};

/** The row as it is shown: floats with their own digits. */
const tilesOf = (
  plan: ViewPlan,
  feature: PlannedFeature,
  events: readonly RawEvent[],
): ViewExplanation['tiles'] => {
  const hopMs = plan.hops[feature.hop]?.hopMs ?? 0;
  const byTile = new Map<number, RawEvent[]>();
  for (const event of events) {
    const start = hopMs === 0 ? 0 : Math.floor(event.eventTime / hopMs) * hopMs;
    const tile = byTile.get(start);
    if (tile === undefined) byTile.set(start, [event]);
    else tile.push(event);
  }
  return [...byTile]
    .sort(([a], [b]) => a - b)
    .map(([start, inTile]) => ({
      start,
      end: hopMs === 0 ? null : start + hopMs,
      newestEventTime: inTile.reduce(
        (newest, e) => Math.max(newest, e.eventTime),
        Number.NEGATIVE_INFINITY,
      ),
      state: foldTile(plan, feature, inTile),
    }));
};

/**
 * @returns null where the version that answers for a past `known` lacks the feature, or has it with
 * another type: the read then answered null
 */
export type ExplainFeature = (read: ReadValue) => Promise<ViewExplanation | null>;

export const createExplainFeature = (dependencies: ExplainFeatureDependencies): ExplainFeature => {
  const { views, rawEvents, history } = dependencies;
  const pastUpdates = async (
    served: ServedView,
    entity: Row,
    hopMs: number,
  ): Promise<FeatureUpdate[]> => {
    const rows = await history.updates(served.plan.view, {
      ...entity,
      hop_ms: hopMs,
      generation: served.generation,
    });
    return rows.map((row) => ({
      position: `${featuresTopic(served.plan.view)}@${row._partition}:${row._offset}`,
      logTime: row._log_time as number,
      tileStart: row.tile_start as number,
      cause: `${rawTopic(served.plan.source)}@${row.cause_partition}:${row.cause_offset}`,
    }));
  };

  return async ({ view, feature: name, entity, value, status, at, known, past }) => {
    const live = views.live(view);
    if (live === null || live === 'filling')
      return fail('MR_NOT_FOUND', `there is no feature view "${view}" to explain`);
    const served = past ? servedAt(dependencies.pastGeneration, live, known) : live;
    const { plan } = served;
    const present = live.plan.features.find((f) => f.name === name);
    const feature = plan.features.find((f) => f.name === name);
    if (feature === undefined || present === undefined || !readsAs(feature.type, present.type))
      return null;
    const key = keyOfEntity(plan, entity);
    const single = only(plan, feature);
    const knowledge = await dependencies.knowledge(plan.source, known);
    const [{ events }] = (await readHistorical(rawEvents, {
      plan: { ...single, filter: null },
      keys: [key],
      at,
      knowledge,
      wholeRows: true,
      ...(plan.latenessMs === null
        ? {}
        : { leftOut: () => dependencies.leftOut(view, served.generation) }),
    })) as [HistoricalValue];
    const from = featureFrom(plan, feature, at);
    const inside = events.filter((event) => event.eventTime >= from && event.eventTime <= at);
    const counted = inside.map((event) => ({
      event,
      why: whyNotCounted(plan, feature, event.row),
    }));
    const passes = ({ row }: RawEvent): boolean =>
      plan.filter === null || plan.filter(row) === true;
    const passing = events.filter(passes);
    const folded = foldFeatures(single, passing, key, at).values[0] as Value;
    const recomputed = shownValue(feature.type, folded);
    const hopMs = plan.hops[feature.hop]?.hopMs ?? 0;
    const keys = decodeKey(key, plan.keys);
    const keyColumns = Object.entries(keys).map(([part, of]) => [`key_${part}`, of]);
    const inRange = (update: FeatureUpdate): boolean =>
      update.logTime <= known &&
      (hopMs === 0 || (update.tileStart >= from && update.tileStart <= at));
    const [old, recent] = await Promise.all([
      pastUpdates(served, Object.fromEntries(keyColumns), hopMs),
      dependencies.recentUpdates(served, key, hopMs),
    ]);
    const shownRow = rowsShown(dependencies.fields(plan.source));
    return {
      view,
      feature: name,
      entity: keys,
      at,
      known,
      value,
      status,
      type: formatFieldType(feature.type),
      version: served.version,
      generation: served.generation,
      definition: await dependencies.definition(view, served.version),
      window: feature.windowMs === null ? null : formatDuration(feature.windowMs),
      hop: hopMs === 0 ? null : formatDuration(hopMs),
      covers: { from: from === Number.NEGATIVE_INFINITY ? null : from, to: at },
      tiles: tilesOf(plan, feature, inside.filter(passes)),
      updates: [...old, ...recent].filter(inRange).slice(-MAX_UPDATES),
      events: counted.slice(-MAX_EVENTS).map(({ event, why }) => ({
        position: `${rawTopic(plan.source)}@${event.partition}:${event.offset}`,
        eventTime: event.eventTime,
        logTime: event.logTime,
        importedKnownTime: dependencies.importedKnownTime(plan.source, event.row),
        row: shownRow(event.row),
        counted: why === null,
        why,
      })),
      eventsTotal: inside.length,
      recomputed,
      matches: sameResult(feature.type, value, recomputed),
    };
  };
};
