/**
 * What the dataset of a definition is made of: its columns, where they come from, where they are.
 */
import type { Lookups } from '#domain/definitions/check-context.ts';
import { typeOfOnDemand } from '#domain/definitions/check-on-demand.ts';
import type {
  Definition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
} from '#domain/definitions/model.ts';
import { featureText } from '#domain/plan/feature-text.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { formatFieldType, readFieldType } from '#domain/values/field-type.ts';
import { type ColumnLineage, onDemandColumns, serviceColumns, viewColumns } from './columns.ts';
import type { Facets } from './event.ts';
import { standardFacet } from './facets.ts';
import type { LineageEmitter } from './names.ts';
import { inputsOfView, newest, type RegistryThen, type ViewInputs } from './registry-then.ts';

interface Column {
  readonly name: string;
  readonly type?: string;
  readonly description?: string;
}

/**
 * Empty where the view no longer fits its source (a breaking change that was forced): its features
 * are known, their types are not.
 */
const featureTypes = (
  view: FeatureViewDefinition,
  { source, entity }: ViewInputs,
): ReadonlyMap<string, string> => {
  try {
    return new Map(
      planView(view, source, entity).features.map(({ name, type }) => [
        name,
        formatFieldType(type),
      ]),
    );
  } catch {
    return new Map();
  }
};

const featureColumn = (registry: RegistryThen, view: string, feature: string): Column => {
  const definition = newest<FeatureViewDefinition>(registry, 'feature-view', view);
  const inputs = definition === null ? null : inputsOfView(registry, definition);
  const type =
    definition === null || inputs === null
      ? undefined
      : featureTypes(definition, inputs).get(feature);
  return { name: feature, ...(type === undefined ? {} : { type }) };
};

const lookupsOf = (registry: RegistryThen): Lookups => {
  const find = <T extends Definition>(kind: T['kind']) => {
    return (name: string): T | undefined => newest<T>(registry, kind, name) ?? undefined;
  };
  return {
    entity: find('entity'),
    source: find('source'),
    view: find('feature-view'),
    onDemand: find('on-demand-feature'),
    featureType(view, feature) {
      const inputs = inputsOfView(registry, view);
      return inputs === null
        ? undefined
        : readFieldType(featureTypes(view, inputs).get(feature) ?? '');
    },
  };
};

const onDemandColumn = (registry: RegistryThen, definition: OnDemandFeatureDefinition): Column => ({
  name: definition.name,
  type: formatFieldType(typeOfOnDemand(definition, lookupsOf(registry))),
});

const columnsOf = (registry: RegistryThen, definition: Definition): readonly Column[] => {
  switch (definition.kind) {
    case 'entity':
      return Object.entries(definition.keys).map(([name, type]) => ({ name, type }));
    case 'source':
      return Object.entries(definition.fields).map(([name, type]) => ({ name, type }));
    case 'feature-view': {
      const inputs = inputsOfView(registry, definition);
      const types = inputs === null ? new Map<string, string>() : featureTypes(definition, inputs);
      return [
        ...Object.entries(inputs?.entity.keys ?? {}).map(([name, type]) => ({ name, type })),
        ...Object.entries(definition.features).map(([name, feature]) => {
          const type = types.get(name);
          return {
            name,
            ...(type === undefined ? {} : { type }),
            description: feature.description ?? featureText(feature),
          };
        }),
      ];
    }
    case 'on-demand-feature':
      return [onDemandColumn(registry, definition)];
    case 'feature-service':
      return definition.features.flatMap((member): Column[] => {
        if (member.from === 'view')
          return member.features.map((feature) => featureColumn(registry, member.view, feature));
        const found = newest<OnDemandFeatureDefinition>(registry, 'on-demand-feature', member.name);
        return [found === null ? { name: member.name } : onDemandColumn(registry, found)];
      });
  }
};

const lineageOf = (
  registry: RegistryThen,
  { namespace }: LineageEmitter,
  definition: Definition,
): ColumnLineage | null => {
  switch (definition.kind) {
    case 'entity':
    case 'source':
      return null;
    case 'feature-view': {
      const inputs = inputsOfView(registry, definition);
      return inputs === null
        ? null
        : viewColumns(namespace, definition, inputs.source, inputs.entity);
    }
    case 'on-demand-feature':
      return onDemandColumns(namespace, definition);
    case 'feature-service':
      return serviceColumns(namespace, definition.features);
  }
};

const TYPES = {
  entity: 'ENTITY',
  source: 'STREAM',
  'feature-view': 'FEATURE_VIEW',
  'on-demand-feature': 'FEATURE',
  'feature-service': 'FEATURE_SERVICE',
} as const;

/** Schema, column lineage and location of a dataset: for itself, and as the output of its job. */
export const shapeFacets = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  definition: Definition,
): Facets => {
  const { producer, places } = emitter;
  const columns = lineageOf(registry, emitter, definition);
  const { kind, name } = definition;
  const where =
    kind === 'source' ? places.raw(name) : kind === 'feature-view' ? places.features(name) : [];
  return {
    schema: standardFacet(producer, 'SchemaDatasetFacet', {
      fields: columnsOf(registry, definition).map((column, i) => ({
        ...column,
        ordinal_position: i + 1,
      })),
    }),
    datasetType: standardFacet(producer, 'DatasetTypeDatasetFacet', { datasetType: TYPES[kind] }),
    ...(columns === null
      ? {}
      : { columnLineage: standardFacet(producer, 'ColumnLineageDatasetFacet', { ...columns }) }),
    ...(where.length === 0
      ? {}
      : { symlinks: standardFacet(producer, 'SymlinksDatasetFacet', { identifiers: where }) }),
  };
};
