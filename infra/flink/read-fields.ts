/**
 * A source as one view's job reads it: only the fields that the view uses. Less is decoded, and the
 * job, which decodes records by the schema that it was started with, need not restart when other
 * fields are added or widened.
 */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import { columnsIn } from '#domain/expressions/columns.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';

export const sourceAsRead = (
  source: SourceDefinition,
  view: FeatureViewDefinition,
  { keys }: Pick<ViewPlan, 'keys'>,
): SourceDefinition => {
  const used = new Set([source.eventTime, ...keys.map(({ field }) => field)]);
  columnsIn(view, used);
  return {
    ...source,
    fields: Object.fromEntries(Object.entries(source.fields).filter(([name]) => used.has(name))),
  };
};
