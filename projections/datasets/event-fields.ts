/** The fields of a source that views read, so that a scan reads no others. */
import { sourceFields } from '#domain/sources/source-schema.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { ViewDefinitions } from './dataset-plan.ts';

const columnsIn = (node: unknown, found: Set<string>): void => {
  if (typeof node !== 'object' || node === null) return;
  const { op, name } = node as { op?: unknown; name?: unknown };
  if (op === 'col' && typeof name === 'string') found.add(name);
  for (const child of Object.values(node)) columnsIn(child, found);
};

/** @param features of each view, those that are computed */
export const eventFields = (
  views: readonly { readonly definitions: ViewDefinitions; readonly features: readonly string[] }[],
): Record<string, FieldType> => {
  const fields: Record<string, FieldType> = {};
  for (const { definitions, features } of views) {
    const { view, source, entity } = definitions;
    const names = new Set(Object.keys(entity.keys).map((key) => view.join?.[key] ?? key));
    columnsIn(view.where, names);
    for (const feature of features) columnsIn(view.features[feature], names);
    const types = sourceFields(source);
    for (const name of names) if (types[name] !== undefined) fields[name] = types[name];
  }
  return fields;
};
