/**
 * Explanations: the definition that a value was computed by, the interval that it covers, the
 * tiles, the feature updates, the raw events with their positions, and the value recomputed from
 * those events, which must equal the value that a reader gets.
 */

import type { ExplainRequest, Explanation, ReadRequest, ReadResult } from '#domain/api/serving.ts';
import { fail } from '#domain/errors.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import type { PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import type { History } from '#domain/ports/history.ts';
import type { ServedView, ServingViews } from '#domain/ports/served-view.ts';
import { featureFrom, foldFeatures } from '#domain/tiles/fold.ts';
import { foldTile } from '#domain/tiles/fold-tile.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { readHistorical } from '#projections/serving/historical-read.ts';
import { type PastGeneration, servedAt } from '#projections/serving/past-generation.ts';
import type { RawEvents } from '#projections/serving/raw-events.ts';
import { sameResult } from './same-value.ts';

interface ExplainDependencies {
  readonly read: (request: ReadRequest) => Promise<ReadResult>;
  readonly views: Pick<ServingViews, 'live'>;
  readonly pastGeneration: PastGeneration;
  readonly rawEvents: RawEvents;
  readonly history: History;
  readonly definition: (view: string, version: number) => Promise<unknown>;
  readonly knownBelow: (source: string, known: number) => Promise<readonly number[]>;
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

/** How many events an answer lists; it always has their total. */
export const MAX_EVENTS = 1000;
const MAX_UPDATES = 1000;

const featureOf = (plan: ViewPlan, name: string): PlannedFeature => {
  const feature = plan.features.find((f) => f.name === name);
  if (feature !== undefined) return feature;
  return fail(
    'MR_NOT_FOUND',
    `view "${plan.view}" has no feature "${name}"; it has ${plan.features.map((f) => f.name).join(', ')}`,
    { feature: name },
  );
};

/** The plan with one feature, so that it covers the feature's interval. */
const only = (plan: ViewPlan, feature: PlannedFeature): ViewPlan => ({
  ...plan,
  features: [feature],
});

const whyNotCounted = (plan: ViewPlan, feature: PlannedFeature, row: Row): string | null => {
  if (plan.filter !== null && plan.filter(row) !== true) return "the view's filter leaves it out";
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

const tilesOf = (
  plan: ViewPlan,
  feature: PlannedFeature,
  events: readonly RawEvent[],
): Explanation['tiles'] => {
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

export const createExplain = (
  dependencies: ExplainDependencies,
): ((request: ExplainRequest) => Promise<Explanation>) => {
  const pastUpdates = async (
    served: ServedView,
    entity: Row,
    hopMs: number,
  ): Promise<FeatureUpdate[]> => {
    const rows = await dependencies.history.updates(served.plan.view, {
      ...entity,
      hop_ms: hopMs,
      generation: served.generation,
    });
    return rows.map((row) => ({
      position: `features.${served.plan.view}@${row._partition}:${row._offset}`,
      logTime: row._log_time as number,
      tileStart: row.tile_start as number,
      cause: `raw.${served.plan.source}@${row.cause_partition}:${row.cause_offset}`,
    }));
  };

  return async (request) => {
    const answer = await dependencies.read({
      features: [`${request.view}:${request.feature}`],
      entities: [request.entity],
      ...(request.at === undefined ? {} : { at: request.at }),
      ...(request.known === undefined ? {} : { known: request.known }),
    });
    const { at, known } = answer;
    const past = request.known !== undefined && known === request.known;
    const live = dependencies.views.live(request.view);
    if (live === null || live === 'filling')
      return fail('MR_NOT_FOUND', `there is no feature view "${request.view}" to explain`);
    const served = past ? servedAt(dependencies.pastGeneration, live, known) : live;
    const { plan } = served;
    const feature = featureOf(plan, request.feature);
    const key = keyOfEntity(plan, request.entity);
    const single = only(plan, feature);
    const below = await dependencies.knownBelow(plan.source, known);
    const leftOut =
      past && plan.latenessMs !== null
        ? await dependencies.leftOut(plan.view, served.generation)
        : null;
    const { events } = await readHistorical(dependencies.rawEvents, {
      plan: { ...single, filter: null },
      key,
      at,
      below,
      ...(leftOut === null ? {} : { leftOut }),
    });
    const from = featureFrom(plan, feature, at);
    const inside = events.filter((event) => event.eventTime >= from && event.eventTime <= at);
    const counted = inside.map((event) => ({
      event,
      why: whyNotCounted(plan, feature, event.row),
    }));
    const folding = counted
      .filter(({ event }) => plan.filter === null || plan.filter(event.row) === true)
      .map(({ event }) => event);
    const passing = events.filter(
      (event) => plan.filter === null || plan.filter(event.row) === true,
    );
    const recomputed = foldFeatures(single, passing, key, at).values[0] as Value;
    const hopMs = plan.hops[feature.hop]?.hopMs ?? 0;
    const entity = Object.fromEntries(
      plan.keys.map(({ name }) => [`key_${name}`, request.entity[name] as Value]),
    );
    const inRange = (update: FeatureUpdate): boolean =>
      update.logTime <= known &&
      (hopMs === 0 || (update.tileStart >= from && update.tileStart <= at));
    const [old, recent] = await Promise.all([
      pastUpdates(served, entity, hopMs),
      dependencies.recentUpdates(served, key, hopMs),
    ]);
    const updates = [...old, ...recent].filter(inRange);
    const value = answer.values[0]?.[0] as Value;
    return {
      view: request.view,
      feature: request.feature,
      entity: request.entity,
      at,
      known,
      value,
      status: answer.status[0]?.[0] ?? 'null',
      version: served.version,
      generation: served.generation,
      definition: await dependencies.definition(request.view, served.version),
      covers: { from: from === Number.NEGATIVE_INFINITY ? null : from, to: at },
      tiles: tilesOf(plan, feature, folding),
      updates: updates.slice(-MAX_UPDATES),
      events: counted.slice(-MAX_EVENTS).map(({ event, why }) => ({
        position: `raw.${plan.source}@${event.partition}:${event.offset}`,
        eventTime: event.eventTime,
        logTime: event.logTime,
        row: event.row,
        counted: why === null,
        why,
      })),
      eventsTotal: inside.length,
      recomputed,
      matches: sameResult(feature.type, value, recomputed),
    };
  };
};
