/** A definition as OpenLineage events: of the dataset that it is, and of the job that makes it. */
import { DEFAULT_NAMESPACE, type Definition } from '#domain/definitions/model.ts';
import type { Commit } from '#domain/ports/event-store.ts';
import type { RegistryState } from '#domain/registry/state.ts';
import { shapeFacets } from './dataset-shape.ts';
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
import type { RegistryThen } from './registry-then.ts';

type Lifecycle = 'CREATE' | 'ALTER' | 'DROP';

/** Owner, description and tags: the same for a dataset and for a job, in facets of two names. */
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

/** The job that makes what is defined; null for entities and sources, which no job makes. */
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

/** @param lifecycle what happened to the definition */
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
