/** The features of a catalog entry: their types, and what they compute. */
import type { CatalogEntry, CatalogFeature } from '#domain/api/registry.ts';
import { typeOfOnDemand } from '#domain/definitions/check-on-demand.ts';
import type {
  Definition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
} from '#domain/definitions/model.ts';
import { formatExpr } from '#domain/expressions/format.ts';
import { featureText, hopText } from '#domain/plan/feature-text.ts';
import { lookupsOf } from '#domain/registry/references.ts';
import { overlay } from '#domain/registry/registered.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import type { CatalogStreams } from './catalog-streams.ts';

type Lookups = ReturnType<typeof lookupsOf>;

const UNKNOWN = { computes: null, window: null, hop: null };

const viewFeature = (
  view: FeatureViewDefinition | null | undefined,
  name: string,
  lookups: Lookups,
): CatalogFeature => {
  const feature = view?.features[name];
  if (view == null || feature === undefined)
    return { name, type: 'unknown', description: null, ...UNKNOWN };
  const type = lookups.featureType(view, name);
  return {
    name,
    type: type === undefined ? 'unknown' : formatFieldType(type),
    description: feature.description ?? null,
    computes: featureText(feature),
    window: feature.window ?? null,
    hop: hopText(feature),
  };
};

const onDemandFeature = (
  name: string,
  definition: OnDemandFeatureDefinition | undefined,
  lookups: Lookups,
): CatalogFeature =>
  definition === undefined
    ? { name, type: 'unknown', description: null, ...UNKNOWN }
    : {
        name,
        type: formatFieldType(typeOfOnDemand(definition, lookups)),
        description: definition.description ?? null,
        ...UNKNOWN,
        computes: formatExpr(definition.value),
      };

export const featuresOf = (
  catalog: CatalogStreams,
  definition: Definition,
): CatalogEntry['features'] => {
  const lookups = lookupsOf(overlay(catalog, []));
  switch (definition.kind) {
    case 'entity':
    case 'source':
      return undefined;
    case 'feature-view':
      return Object.keys(definition.features).map((name) => viewFeature(definition, name, lookups));
    case 'on-demand-feature':
      return [onDemandFeature(definition.name, definition, lookups)];
    case 'feature-service':
      return definition.features.flatMap((member) => {
        if (member.from === 'on-demand')
          return [onDemandFeature(member.name, lookups.onDemand(member.name), lookups)];
        const view = catalog.definition('feature-view', member.view, member.version);
        return member.features.map((name) => viewFeature(view, name, lookups));
      });
  }
};
