/**
 * The references between definitions: the graph of lineage, of retirement and of the cost of a
 * revision.
 */
import type { Lookups } from '#domain/definitions/check-context.ts';
import type { Definition, FeatureViewDefinition } from '#domain/definitions/model.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { formatFieldType, readFieldType } from '#domain/values/field-type.ts';
import type { Readers } from './change.ts';
import { streamOf } from './events.ts';
import type { CatalogDefinitions } from './registered.ts';

/** What a definition refers to, as kind/name. */
export const upstreamOf = (definition: Definition): readonly string[] => {
  switch (definition.kind) {
    case 'entity':
    case 'source':
      return [];
    case 'feature-view':
      return [streamOf('entity', definition.entity), streamOf('source', definition.source)];
    case 'on-demand-feature':
      return [
        ...new Set(
          Object.values(definition.inputs).flatMap((input) =>
            input.from === 'feature'
              ? [streamOf('feature-view', input.view)]
              : input.from === 'on-demand'
                ? [streamOf('on-demand-feature', input.name)]
                : [],
          ),
        ),
      ];
    case 'feature-service':
      return [
        ...new Set(
          definition.features.map((member) =>
            member.from === 'view'
              ? streamOf('feature-view', member.view)
              : streamOf('on-demand-feature', member.name),
          ),
        ),
      ];
  }
};

export const downstreamOf = (all: readonly Definition[], id: string): readonly string[] =>
  all
    .filter((definition) => upstreamOf(definition).includes(id))
    .map((definition) => streamOf(definition.kind, definition.name));

const readsFeature = (definition: Definition, view: string, feature: string): boolean => {
  if (definition.kind === 'on-demand-feature') {
    return Object.values(definition.inputs).some(
      (input) => input.from === 'feature' && input.view === view && input.feature === feature,
    );
  }
  if (definition.kind !== 'feature-service') return false;
  return definition.features.some(
    (member) => member.from === 'view' && member.view === view && member.features.includes(feature),
  );
};

const usesField = (
  view: FeatureViewDefinition,
  field: string,
  keys: readonly string[],
): boolean => {
  const columns = canonical([view.where ?? null, view.features]);
  return (
    keys.some((key) => (view.join?.[key] ?? key) === field) ||
    columns.includes(`"name":${JSON.stringify(field)},"op":"col"`)
  );
};

export const featureTypes = (
  view: FeatureViewDefinition,
  definitions: CatalogDefinitions,
): ReadonlyMap<string, string> | null => {
  const source = definitions.definition('source', view.source);
  const entity = definitions.definition('entity', view.entity);
  if (source === null || entity === null) return null;
  try {
    return new Map(
      planView(view, source, entity).features.map((feature) => [
        feature.name,
        formatFieldType(feature.type),
      ]),
    );
  } catch {
    return null;
  }
};

/** Definitions by kind and name, with the types of views' features, each planned once. */
export const lookupsOf = (definitions: CatalogDefinitions): Required<Lookups> => {
  const planned = new Map<FeatureViewDefinition, ReadonlyMap<string, string> | null>();
  const typesOf = (view: FeatureViewDefinition): ReadonlyMap<string, string> | null => {
    let types = planned.get(view);
    if (types === undefined) {
      types = featureTypes(view, definitions);
      planned.set(view, types);
    }
    return types;
  };
  return {
    entity: (name) => definitions.definition('entity', name) ?? undefined,
    source: (name) => definitions.definition('source', name) ?? undefined,
    view: (name) => definitions.definition('feature-view', name) ?? undefined,
    onDemand: (name) => definitions.definition('on-demand-feature', name) ?? undefined,
    retired: definitions.retired,
    featureType: (view, feature) => readFieldType(typesOf(view)?.get(feature) ?? ''),
  };
};

export const readersOf = (definitions: CatalogDefinitions): Omit<Readers, 'ofSource'> => {
  const all = definitions.all();
  const ids = (found: readonly Definition[]): string[] =>
    found.map((definition) => streamOf(definition.kind, definition.name));
  return {
    ofFeature: (view, feature) =>
      ids(all.filter((definition) => readsFeature(definition, view, feature))),
    ofOnDemand: (name) => downstreamOf(all, streamOf('on-demand-feature', name)),
    ofEntity: (name) => downstreamOf(all, streamOf('entity', name)),
    ofField: (source, field) =>
      ids(
        all.filter((definition) => {
          if (definition.kind !== 'feature-view' || definition.source !== source) return false;
          return usesField(
            definition,
            field,
            Object.keys(definitions.definition('entity', definition.entity)?.keys ?? {}),
          );
        }),
      ),
    featureType: (view, feature) => featureTypes(view, definitions)?.get(feature) ?? null,
  };
};

const ORDER = ['entity', 'source', 'feature-view', 'on-demand-feature', 'feature-service'];

/** Definitions in an order in which each comes after those that it refers to. */
export const inDependencyOrder = (definitions: readonly Definition[]): readonly Definition[] => {
  const byId = new Map(
    definitions.map((definition) => [streamOf(definition.kind, definition.name), definition]),
  );
  const done = new Set<string>();
  const sorted: Definition[] = [];
  const visit = (id: string): void => {
    const definition = byId.get(id);
    if (definition === undefined || done.has(id)) return;
    done.add(id);
    upstreamOf(definition).forEach(visit);
    sorted.push(definition);
  };
  [...byId.keys()]
    .sort(
      (a, b) =>
        ORDER.indexOf(a.slice(0, a.indexOf('/'))) - ORDER.indexOf(b.slice(0, b.indexOf('/'))),
    )
    .forEach(visit);
  return sorted;
};
