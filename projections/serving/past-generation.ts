/** The generation that answers a past read. */
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import {
  answeredAt,
  answeredTimes,
  type GenerationVersion,
} from '#domain/registry/answered-times.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

/**
 * @param present the generation that answers now
 * @param known epoch ms
 * @param pinned the version that a service pins
 * @returns null: the present one
 */
export type PastGeneration = (
  present: GenerationVersion & { readonly plan: Pick<ViewPlan, 'view'> },
  known: number,
  pinned?: number,
) => (GenerationVersion & { readonly plan: ViewPlan }) | null;

export const createPastGeneration =
  (catalog: Pick<Catalog, 'stream' | 'plan'>): PastGeneration =>
  ({ plan: { view }, generation, version }, known, pinned) => {
    const state = catalog.stream('feature-view', view)?.state;
    if (state === undefined) return null;
    const answers = answeredAt(answeredTimes(state, { generation, version }, pinned), known);
    if (answers.generation === generation) return null;
    return { ...answers, plan: catalog.plan(view, answers.version) };
  };

/** A past read uses the plan, version and generation; the rest describes the present. */
export const servedAt = (
  pastGeneration: PastGeneration,
  now: ServedView,
  known: number,
  pinned?: number,
): ServedView => {
  const past = pastGeneration(now, known, pinned);
  return past === null ? now : { ...now, ...past };
};
