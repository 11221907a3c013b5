/** The fields of a source that views read: a scan reads no others. */
import { columnsIn } from '#domain/expressions/columns.ts';
import { existenceOf } from '#domain/plan/existence.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { ViewDefinitions } from './training-set-plan.ts';

export interface ComputedView {
  readonly definitions: ViewDefinitions;
  /** names of the computed features */
  readonly features: readonly string[];
}

const keysOf = ({ view, entity }: ViewDefinitions): string[] =>
  Object.keys(entity.keys).map((key) => view.join?.[key] ?? key);

/** @param keys whether the fields of the entity keys are included */
export const eventFields = (
  views: readonly ComputedView[],
  { keys }: { readonly keys: boolean },
): Record<string, FieldType> => {
  const fields: Record<string, FieldType> = {};
  for (const { definitions, features } of views) {
    const { view, source } = definitions;
    const names = new Set(keys ? keysOf(definitions) : []);
    columnsIn(view.where, names);
    columnsIn(existenceOf(view, source)?.presence, names);
    for (const feature of features) columnsIn(view.features[feature], names);
    const types = sourceFields(source);
    for (const name of names) if (types[name] !== undefined) fields[name] = types[name];
  }
  return fields;
};
