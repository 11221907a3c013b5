/** A definition as OpenLineage tells it: the dataset that it is, and the job that makes it. */
import {
  DEFAULT_NAMESPACE,
  type Definition,
  type EntityDefinition,
  type FeatureViewDefinition,
  type SourceDefinition,
} from '#domain/definitions/model.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { Commit } from '#domain/ports/event-store.ts';
import { streamOf } from '#domain/registry/events.ts';
import { newestVersion, type RegistryState } from '#domain/registry/state.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import {
  type ColumnLineage,
  describeFeature,
  onDemandColumns,
  serviceColumns,
  viewColumns,
} from './columns.ts';
import {
  datasetEvent,
  type Facets,
  jobEvent,
  type LineageEvent,
  type LineageJob,
  type LineageOutput,
} from './event.ts';
import { ownFacet, standardFacet } from './facets.ts';
import { computeJob, datasetName, type LineageEmitter, onDemandJob, serviceJob } from './names.ts';

/** The registry as it stood at the commit that is told of. */
export interface RegistryThen {
  readonly state: (stream: string) => RegistryState | null;
}

type Lifecycle = 'CREATE' | 'ALTER' | 'DROP';

interface Column {
  readonly name: string;
  readonly type?: string;
  readonly description?: string;
}

const newest = <T extends Definition>(
  registry: RegistryThen,
  kind: T['kind'],
  name: string,
): T | null =>
  (newestVersion(
    registry.state(streamOf(kind, name)) ?? {
      status: 'absent',
      versions: [],
      generations: [],
      timeline: [],
    },
  )?.definition as T | undefined) ?? null;

interface ViewAround {
  readonly source: SourceDefinition;
  readonly entity: EntityDefinition;
}
const around = (registry: RegistryThen, view: FeatureViewDefinition): ViewAround | null => {
  const source = newest<SourceDefinition>(registry, 'source', view.source);
  const entity = newest<EntityDefinition>(registry, 'entity', view.entity);
  return source === null || entity === null ? null : { source, entity };
};

/**
 * A view that its source no longer fits (a breaking revision, forced) still has features; their
 * types cannot be said.
 */
const featureTypes = (
  view: FeatureViewDefinition,
  { source, entity }: ViewAround,
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
  const beside = definition === null ? null : around(registry, definition);
  const type =
    definition === null || beside === null
      ? undefined
      : featureTypes(definition, beside).get(feature);
  return { name: feature, ...(type === undefined ? {} : { type }) };
};

const columnsOf = (registry: RegistryThen, definition: Definition): readonly Column[] => {
  switch (definition.kind) {
    case 'entity':
      return Object.entries(definition.keys).map(([name, type]) => ({ name, type }));
    case 'source':
      return Object.entries(definition.fields).map(([name, type]) => ({ name, type }));
    case 'feature-view': {
      const beside = around(registry, definition);
      const types = beside === null ? new Map<string, string>() : featureTypes(definition, beside);
      return [
        ...Object.entries(beside?.entity.keys ?? {}).map(([name, type]) => ({ name, type })),
        ...Object.entries(definition.features).map(([name, feature]) => {
          const type = types.get(name);
          return {
            name,
            ...(type === undefined ? {} : { type }),
            description: feature.description ?? describeFeature(feature),
          };
        }),
      ];
    }
    case 'on-demand-feature':
      return [{ name: definition.name, type: definition.type }];
    case 'feature-service':
      return definition.features.flatMap((member): Column[] => {
        if (member.from === 'view')
          return member.features.map((feature) => featureColumn(registry, member.view, feature));
        const type = newest(registry, 'on-demand-feature', member.name);
        return [
          { name: member.name, ...(type?.kind === 'on-demand-feature' ? { type: type.type } : {}) },
        ];
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
      const beside = around(registry, definition);
      return beside === null
        ? null
        : viewColumns(namespace, definition, beside.source, beside.entity);
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

/**
 * The facets that say what a dataset is made of: of the dataset itself, and of the output of the
 * job that makes it.
 */
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

/** Who owns it, what it is for: the same of a dataset and of a job, under two names. */
const described = (
  producer: string,
  of: 'Dataset' | 'Job',
  { owner, description, tags }: Definition,
): Facets => ({
  ...(owner === undefined
    ? {}
    : {
        ownership: standardFacet(producer, `Ownership${of}Facet`, {
          owners: [{ name: owner, type: 'OWNER' }],
        }),
      }),
  ...(description === undefined
    ? {}
    : { documentation: standardFacet(producer, `Documentation${of}Facet`, { description }) }),
  ...(tags === undefined || tags.length === 0
    ? {}
    : {
        tags: standardFacet(producer, `Tags${of}Facet`, {
          tags: tags.map((key) => ({ key, value: 'true', source: 'MILLRACE' })),
        }),
      }),
});

interface Change {
  readonly commit: Commit;
  readonly version: number;
  readonly status: RegistryState['status'];
}
const changed = (
  { kind, name, namespace = DEFAULT_NAMESPACE }: Definition,
  { commit, version, status }: Change,
) => {
  const { id, actor, reason } = commit.command;
  return {
    kind,
    name,
    namespace,
    version,
    status,
    actor,
    reason,
    commit: commit.position,
    command: id,
  };
};

const inputsOf = (definition: Definition): readonly string[] => {
  switch (definition.kind) {
    case 'feature-view':
      return [datasetName('source', definition.source)];
    case 'on-demand-feature':
      return Object.values(definition.inputs).flatMap((input) =>
        input.from === 'feature'
          ? [datasetName('feature-view', input.view)]
          : input.from === 'on-demand'
            ? [datasetName('on-demand-feature', input.name)]
            : [],
      );
    case 'feature-service':
      return definition.features.map((member) =>
        member.from === 'view'
          ? datasetName('feature-view', member.view)
          : datasetName('on-demand-feature', member.name),
      );
    default:
      return [];
  }
};

/** The job that makes what is defined; null where it comes from outside. */
export const jobOf = (
  { namespace, producer }: LineageEmitter,
  definition: Definition,
): LineageJob | null => {
  const { kind } = definition;
  if (kind === 'entity' || kind === 'source') return null;
  const made =
    kind === 'feature-view'
      ? { name: computeJob(definition.name), processingType: 'STREAMING', jobType: 'FEATURE_VIEW' }
      : kind === 'on-demand-feature'
        ? { name: onDemandJob(definition.name), processingType: 'SERVICE', jobType: 'FEATURE' }
        : {
            name: serviceJob(definition.name),
            processingType: 'SERVICE',
            jobType: 'FEATURE_SERVICE',
          };
  const { name, processingType, jobType } = made;
  return {
    namespace,
    name,
    facets: {
      ...described(producer, 'Job', definition),
      jobType: standardFacet(producer, 'JobTypeJobFacet', {
        processingType,
        integration: 'MILLRACE',
        jobType,
      }),
      sourceCode: standardFacet(producer, 'SourceCodeJobFacet', {
        language: 'json',
        sourceCode: JSON.stringify(definition, null, 2),
      }),
    },
  };
};

export const flowOf = (registry: RegistryThen, emitter: LineageEmitter, definition: Definition) => {
  const { namespace } = emitter;
  const output: LineageOutput = {
    namespace,
    name: datasetName(definition.kind, definition.name),
    facets: shapeFacets(registry, emitter, definition),
  };
  return {
    inputs: [...new Set(inputsOf(definition))].map((name) => ({ namespace, name })),
    outputs: [output],
  };
};

/** @param lifecycle what happened to it; null: its status only */
export const definitionEvents = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  definition: Definition,
  change: Change,
  lifecycle: Lifecycle,
): readonly LineageEvent[] => {
  const { producer, namespace } = emitter;
  const { time } = change.commit.command;
  const { kind, name } = definition;
  const dataset = datasetEvent(producer, time, {
    namespace,
    name: datasetName(kind, name),
    facets: {
      ...shapeFacets(registry, emitter, definition),
      ...described(producer, 'Dataset', definition),
      version: standardFacet(producer, 'DatasetVersionDatasetFacet', {
        datasetVersion: String(change.version),
      }),
      lifecycleStateChange: standardFacet(producer, 'LifecycleStateChangeDatasetFacet', {
        lifecycleStateChange: lifecycle,
      }),
      millrace_definition: ownFacet(
        producer,
        'DefinitionDatasetFacet',
        changed(definition, change),
      ),
    },
  });
  const job = jobOf(emitter, definition);
  if (job === null) return [dataset];
  const facets = {
    ...job.facets,
    millrace_definition: ownFacet(producer, 'DefinitionJobFacet', changed(definition, change)),
  };
  return [
    dataset,
    jobEvent(producer, time, { job: { ...job, facets }, ...flowOf(registry, emitter, definition) }),
  ];
};
