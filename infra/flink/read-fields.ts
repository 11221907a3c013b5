/**
 * A source as one view's job reads it: only the fields that the view uses. Less is decoded, and the
 * job, which decodes records by the schema that it was started with, need not restart when other
 * fields are added or widened.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';

export const sourceAsRead = (
  source: SourceDefinition,
  { reads }: Pick<ViewPlan, 'reads'>,
): SourceDefinition => ({
  ...source,
  fields: Object.fromEntries(
    Object.entries(source.fields).filter(([name]) => Object.hasOwn(reads, name)),
  ),
});
