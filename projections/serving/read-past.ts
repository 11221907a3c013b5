/**
 * Answers from raw events: past reads whose tiles do not suffice, every read with a past `known`,
 * and the few online reads whose tiles do not suffice.
 */
import type { ReadRequest, ReadResult } from '#domain/api/serving.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import type { Degraded } from '#domain/ports/degraded.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import type { Knowledge } from '#domain/sources/knowledge.ts';
import { readsAs } from '#domain/values/field-type.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { type HistoricalValue, readHistorical } from './historical-read.ts';
import { computeOnDemand, requestRow } from './on-demand-columns.ts';
import { type PastGeneration, servedAt } from './past-generation.ts';
import type { RawEvents } from './raw-events.ts';
import { answerOf, newestOfRows, originsOf, withModes } from './read-answer.ts';
import type { ReadPlan, ViewRead } from './read-plan.ts';

export interface ReadPastDependencies {
  readonly pastGeneration: PastGeneration;
  readonly rawEvents: RawEvents;
  readonly readTime: () => number;
  /** the `at` of a read that names no time, epoch ms */
  readonly presentTime: () => number;
  /** the next offset of each partition of a source's topic */
  readonly ends: (source: string) => Promise<readonly number[]>;
  /** which events of a source were known at a past time */
  readonly knowledge: (source: string, known: number) => Promise<Knowledge>;
  /** whether a generation left an event out of its tiles as late; null: it left none out */
  readonly leftOut: (
    view: string,
    generation: number,
  ) => Promise<((event: RawEvent) => boolean) | null>;
  readonly sharedModes: () => Degraded;
}

/** Of a view: the generation that answers, and which raw events count. */
interface PastView {
  readonly served: ServedView;
  readonly knowledge?: Knowledge;
  readonly leftOut?: () => Promise<((event: RawEvent) => boolean) | null>;
}

/** What raw events say of a view. */
interface FoldedView {
  readonly served: ServedView;
  /** by row of the request */
  readonly rows: readonly HistoricalValue[];
  /** by feature of the view as it is now: its index in the values of a row; −1: it was not there */
  readonly indexes: readonly number[];
}

const newestEventTime = (events: readonly RawEvent[]): number | null =>
  events.reduce<number | null>(
    (newest, { eventTime }) => (newest === null || eventTime > newest ? eventTime : newest),
    null,
  );

type ReadPast = (
  plan: ReadPlan,
  request: ReadRequest,
  /** of a past read; a present one takes the time at which its events were fixed */
  at: number,
  /** null: the present knowledge */
  known: number | null,
  now: number,
  /** the modes because of which raw events answer */
  modes: Degraded,
) => Promise<ReadResult>;

export const createReadPast = (dependencies: ReadPastDependencies): ReadPast => {
  /**
   * The events that a present read counts: those that the log has now. Later ones would count for
   * some rows only, because reading takes a while.
   */
  const presentKnowledge = async ({ views }: ReadPlan): Promise<ReadonlyMap<string, Knowledge>> => {
    const sources = [...new Set(views.map(({ served }) => served.plan.source))];
    const ends = await Promise.all(sources.map((source) => dependencies.ends(source)));
    return new Map(
      sources.map((source, i) => [source, { below: ends[i] ?? [], imported: null }] as const),
    );
  };

  /** Events that its tiles left out as late do not count in any read. */
  const withoutLate = (served: ServedView): PastView => {
    const { view, latenessMs } = served.plan;
    return latenessMs === null
      ? { served }
      : { served, leftOut: () => dependencies.leftOut(view, served.generation) };
  };

  const asKnown = async ({ served: now, pinned }: ViewRead, known: number): Promise<PastView> => {
    const served = servedAt(dependencies.pastGeneration, now, known, pinned);
    const knowledge = await dependencies.knowledge(served.plan.source, known);
    return { ...withoutLate(served), knowledge };
  };

  const fold = async (
    { served: now, needed }: ViewRead,
    { served, ...counted }: PastView,
    entities: readonly EntityKey[],
    at: number,
  ): Promise<FoldedView> => {
    const features = served.plan.features.filter(({ name }) => needed.has(name));
    const plan = { ...served.plan, features };
    const keys = entities.map((entity) => keyOfEntity(plan, entity));
    return {
      served,
      rows: await readHistorical(dependencies.rawEvents, { ...counted, plan, keys, at }),
      // The version that was live then may have its features in another order, lack some, or have
      // another type.
      indexes: now.plan.features.map(({ name, type }) =>
        features.findIndex((past) => past.name === name && readsAs(past.type, type)),
      ),
    };
  };

  return async (plan, request, pastAt, known, now, modes) => {
    const { entities } = request;
    const present = known === null ? await presentKnowledge(plan) : null;
    const knownTime = known ?? dependencies.readTime();
    // Events that arrived meanwhile can have happened after the request came.
    const at =
      present === null || request.at !== undefined
        ? pastAt
        : Math.max(pastAt, Math.min(request.known ?? knownTime, dependencies.presentTime()));
    const past = await Promise.all(
      plan.views.map(async (view): Promise<PastView> => {
        if (known !== null) return await asKnown(view, known);
        const knowledge = present?.get(view.served.plan.source);
        const counted = withoutLate(view.served);
        return knowledge === undefined ? counted : { ...counted, knowledge };
      }),
    );
    const folded: FoldedView[] = [];
    for (const [v, view] of plan.views.entries())
      folded.push(await fold(view, past[v] as PastView, entities, at));

    const newest = newestOfRows(plan, request);
    const values: Value[][] = [];
    const status: FeatureStatus[][] = [];
    for (let row = 0; row < entities.length; row++) {
      const rowValues: Value[] = new Array(plan.features.length).fill(null);
      const rowStatus: FeatureStatus[] = new Array(plan.features.length).fill('null');
      const viewValues: (readonly Value[])[] = [];
      for (const [v, view] of plan.views.entries()) {
        const { rows, indexes } = folded[v] as FoldedView;
        const found = rows[row] as HistoricalValue;
        newest?.[v]?.push(newestEventTime(found.events));
        viewValues.push(indexes.map((index) => found.values[index] ?? null));
        for (const { feature, column } of view.columns) {
          const index = indexes[feature] as number;
          rowValues[column] = index < 0 ? null : (found.values[index] as Value);
          rowStatus[column] = index < 0 ? 'not-found' : (found.status[index] as FeatureStatus);
        }
      }
      computeOnDemand(
        plan,
        viewValues,
        requestRow(plan, request.request, row, entities.length),
        rowValues,
        rowStatus,
      );
      values.push(rowValues);
      status.push(rowStatus);
    }
    const views = folded.map(({ served }) => answerOf(served, known ?? now));
    const result = {
      features: plan.features,
      values,
      status,
      entities,
      views,
      at,
      known: knownTime,
      ...originsOf(plan, newest),
    };
    return withModes(result, modes | dependencies.sharedModes());
  };
};
