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
import { readHistorical } from './historical-read.ts';
import { computeOnDemand, requestRow } from './on-demand-columns.ts';
import { type PastGeneration, servedAt } from './past-generation.ts';
import type { RawEvents } from './raw-events.ts';
import { answerOf, newestOfRows, originsOf, withModes } from './read-answer.ts';
import type { ReadPlan, ViewRead } from './read-plan.ts';

export interface ReadPastDependencies {
  readonly pastGeneration: PastGeneration;
  readonly rawEvents: RawEvents;
  readonly readTime: () => number;
  /** which events of a source were known at a past time */
  readonly knowledge: (source: string, known: number) => Promise<Knowledge>;
  /** whether a generation left an event out of its tiles as late; null: it left none out */
  readonly leftOut: (
    view: string,
    generation: number,
  ) => Promise<((event: RawEvent) => boolean) | null>;
  readonly sharedModes: () => Degraded;
}

/** The generation that answers for a view, and which raw events count. */
interface PastView {
  readonly served: ServedView;
  readonly knowledge?: Knowledge;
  readonly leftOut?: () => Promise<((event: RawEvent) => boolean) | null>;
}

type ReadPast = (
  plan: ReadPlan,
  request: ReadRequest,
  at: number,
  /** null: the present knowledge */
  known: number | null,
  now: number,
  /** the modes because of which raw events answer */
  modes: Degraded,
) => Promise<ReadResult>;

export const createReadPast = (dependencies: ReadPastDependencies): ReadPast => {
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

  return async (plan, request, at, known, now, modes) => {
    const rows = request.entities.length;
    const answered = await Promise.all(
      plan.views.map(
        async (view): Promise<PastView> =>
          known === null ? withoutLate(view.served) : asKnown(view, known),
      ),
    );
    const values: Value[][] = [];
    const status: FeatureStatus[][] = [];
    const newest = newestOfRows(plan, request);
    for (let row = 0; row < rows; row++) {
      const entity = request.entities[row] as EntityKey;
      const rowValues: Value[] = new Array(plan.features.length).fill(null);
      const rowStatus: FeatureStatus[] = new Array(plan.features.length).fill('null');
      const viewValues: (readonly Value[])[] = [];
      for (const [v, view] of plan.views.entries()) {
        const source = answered[v] as PastView;
        const whole = source.served.plan;
        const past = {
          ...whole,
          features: whole.features.filter((feature) => view.needed.has(feature.name)),
        };
        const key = keyOfEntity(past, entity);
        const result = await readHistorical(dependencies.rawEvents, {
          ...source,
          plan: past,
          key,
          at,
        });
        newest?.[v]?.push(
          result.events.length === 0
            ? null
            : Math.max(...result.events.map(({ eventTime }) => eventTime)),
        );
        // The version that was live then may have its features in another order, lack some, or
        // have another type.
        const byName = view.served.plan.features.map((feature) =>
          past.features.findIndex((f) => f.name === feature.name && readsAs(f.type, feature.type)),
        );
        viewValues.push(byName.map((index) => (index < 0 ? null : (result.values[index] ?? null))));
        for (const { feature, column } of view.columns) {
          const index = byName[feature] as number;
          rowValues[column] = index < 0 ? null : (result.values[index] as Value);
          rowStatus[column] = index < 0 ? 'not-found' : (result.status[index] as FeatureStatus);
        }
      }
      computeOnDemand(
        plan,
        viewValues,
        requestRow(plan, request.request, row, rows),
        rowValues,
        rowStatus,
      );
      values.push(rowValues);
      status.push(rowStatus);
    }
    const views = answered.map(({ served }) => answerOf(served, known ?? now));
    const result = {
      features: plan.features,
      values,
      status,
      entities: request.entities,
      views,
      at,
      known: known ?? dependencies.readTime(),
      ...originsOf(plan, newest),
    };
    return withModes(result, modes | dependencies.sharedModes());
  };
};
