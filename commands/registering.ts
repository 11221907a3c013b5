/** What the decision on a definition needs to know of the others: what is wrong with it, what it changes, what it computes. */
import { checkDefinition, type Lookups } from '#domain/definitions/check.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { MillraceError, type Problem } from '#domain/errors.ts';
import { type Change, diffDefinitions } from '#domain/registry/diff.ts';
import { streamOf } from '#domain/registry/events.ts';
import { newestVersion } from '#domain/registry/state.ts';
import { readFieldType } from '#domain/values/field-type.ts';
import { planView } from '#domain/views/plan-view.ts';
import { type Catalog, type CatalogDefinitions, overlay } from '#projections/catalog/catalog.ts';
import { featureTypes, readersOf } from '#projections/catalog/references.ts';

export const lookupsOf = (definitions: CatalogDefinitions): Lookups => ({
  entity: (name) => definitions.definition('entity', name) ?? undefined,
  source: (name) => definitions.definition('source', name) ?? undefined,
  view: (name) => definitions.definition('feature-view', name) ?? undefined,
  onDemand: (name) => definitions.definition('on-demand-feature', name) ?? undefined,
  featureType: (view, feature) => readFieldType(featureTypes(view, definitions)?.get(feature) ?? ''),
});

export interface Facts {
  readonly problems: readonly Problem[];
  readonly change: Change | null;
  readonly planHash: string | null;
}

export const factsOf = (catalog: Catalog, definition: Definition, beside: readonly Definition[] = []): Facts => {
  const definitions = overlay(catalog, [...beside, definition]);
  const problems = checkDefinition(definition, lookupsOf(definitions));
  let planHash: string | null = null;
  if (definition.kind === 'feature-view' && problems.length === 0) {
    try {
      const source = definitions.definition('source', definition.source);
      const entity = definitions.definition('entity', definition.entity);
      if (source !== null && entity !== null) planHash = planView(definition, source, entity).hash;
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      problems.push({ code: error.code, message: `feature view "${definition.name}": ${error.message}`, details: error.details });
    }
  }
  const stream = catalog.stream(definition.kind, definition.name);
  const before = stream === null ? null : newestVersion(stream.state);
  // What reads it is asked of what will be registered, so that a file that changes both ends is judged whole.
  const change =
    before === null || problems.length > 0 ? null : diffDefinitions(before.definition, definition, readersOf(definitions));
  return { problems, change, planHash };
};

export const idOf = (definition: Definition): string => streamOf(definition.kind, definition.name);
