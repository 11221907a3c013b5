/**
 * A generation as runs of jobs. `compute.<view>` runs from the generation's first event until it is
 * retired, abandoned or fails. Where a replay asked for it, `replay.<view>` is a run of its own
 * beneath it: the filling, which ends when the generation is filled; what is then decided about it
 * (promoted, rolled back) is told of both.
 */
import type { FeatureViewDefinition } from '#domain/definitions/model.ts';
import type { GenerationRecord } from '#domain/registry/state.ts';
import { flowOf, jobOf, type RegistryThen } from './definitions.ts';
import {
  type Facets,
  type LineageDataset,
  type LineageJob,
  type RunEvent,
  type RunState,
  runEvent,
} from './event.ts';
import { ownFacet, standardFacet } from './facets.ts';
import { computeJob, datasetName, type LineageEmitter, replayJob } from './names.ts';

/**
 * The runs of a generation, by id. A view that was retired and restored computes on in new ones.
 */
export interface GenerationRuns {
  readonly compute: string;
  readonly replay: string | null;
}

export interface GenerationTold {
  readonly view: FeatureViewDefinition;
  readonly record: GenerationRecord;
  readonly runs: GenerationRuns;
  /** epoch ms */
  readonly time: number;
  /** what happened, as the registry's event calls it */
  readonly change: string;
}

const generationFacet = (producer: string, { view, record, change }: GenerationTold) => {
  const { generation, version, state, replay, rolledBack } = record;
  return ownFacet(producer, 'GenerationRunFacet', {
    view: view.name,
    version,
    generation,
    state,
    change,
    rolledBack,
    ...(replay === null
      ? {}
      : {
          replay: {
            id: replay.id,
            actor: replay.actor,
            reason: replay.reason,
            from: replay.from === null ? null : new Date(replay.from).toISOString(),
            to: replay.to === null ? null : new Date(replay.to).toISOString(),
            entities: replay.keys?.length ?? null,
          },
        }),
  });
};

const versioned = (
  producer: string,
  dataset: LineageDataset,
  version: number,
  generation: number,
) => ({
  ...dataset,
  facets: {
    ...dataset.facets,
    version: standardFacet(producer, 'DatasetVersionDatasetFacet', {
      datasetVersion: `${version}/${generation}`,
    }),
  },
});

/** Inputs and outputs of a run; with facets at its start, by name afterwards. */
const flow = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  { view, record }: GenerationTold,
  whole: boolean,
) => {
  const { producer, namespace, places } = emitter;
  const { inputs, outputs } = flowOf(registry, emitter, view);
  const stores = places.stores(view.name, record.generation).map((store) => ({
    namespace: store.namespace,
    name: store.name,
    ...(whole
      ? {
          facets: {
            storage: standardFacet(producer, 'StorageDatasetFacet', { storageLayer: store.layer }),
            datasetType: standardFacet(producer, 'DatasetTypeDatasetFacet', {
              datasetType: store.type.toUpperCase(),
            }),
          },
        }
      : {}),
  }));
  const own = whole ? outputs : [{ namespace, name: datasetName('feature-view', view.name) }];
  return {
    inputs,
    outputs: [
      ...own.map((output) => versioned(producer, output, record.version, record.generation)),
      ...stores,
    ],
  };
};

const computeEvent = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  told: GenerationTold,
  eventType: RunState,
  facets: Facets = {},
): RunEvent => {
  const { producer, namespace, engine } = emitter;
  const starts = eventType === 'START';
  const name = computeJob(told.view.name);
  return runEvent(producer, told.time, {
    eventType,
    run: {
      runId: told.runs.compute,
      facets: {
        millrace_generation: generationFacet(producer, told),
        ...(starts
          ? { processing_engine: standardFacet(producer, 'ProcessingEngineRunFacet', engine) }
          : {}),
        ...facets,
      },
    },
    job: (starts ? jobOf(emitter, told.view) : null) ?? { namespace, name },
    ...flow(registry, emitter, told, starts),
  });
};

const rangeFacet = (
  producer: string,
  { from, to }: { readonly from: number | null; readonly to: number | null },
): Facets =>
  from === null
    ? {}
    : {
        nominalTime: standardFacet(producer, 'NominalTimeRunFacet', {
          nominalStartTime: new Date(from).toISOString(),
          ...(to === null ? {} : { nominalEndTime: new Date(to).toISOString() }),
        }),
      };

const replayEvent = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  told: GenerationTold,
  eventType: RunState,
  facets: Facets = {},
): readonly RunEvent[] => {
  const { producer, namespace } = emitter;
  const { replay } = told.record;
  if (replay === null || told.runs.replay === null) return [];
  const job: LineageJob = {
    namespace,
    name: replayJob(told.view.name),
    facets: {
      jobType: standardFacet(producer, 'JobTypeJobFacet', {
        processingType: 'BATCH',
        integration: 'MILLRACE',
        jobType: 'REPLAY',
      }),
    },
  };
  return [
    runEvent(producer, told.time, {
      eventType,
      run: {
        runId: told.runs.replay,
        facets: {
          parent: standardFacet(producer, 'ParentRunFacet', {
            run: { runId: told.runs.compute },
            job: { namespace, name: computeJob(told.view.name) },
          }),
          millrace_generation: generationFacet(producer, told),
          ...rangeFacet(producer, replay),
          ...facets,
        },
      },
      job,
      ...flow(registry, emitter, told, eventType === 'START'),
    }),
  ];
};

const errorFacet = (producer: string, message: string): Facets => ({
  errorMessage: standardFacet(producer, 'ErrorMessageRunFacet', {
    message,
    programmingLanguage: 'TypeScript',
  }),
});

type Tell = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  told: GenerationTold,
) => readonly RunEvent[];

export const started: Tell = (registry, emitter, told) => [
  computeEvent(registry, emitter, told, 'START'),
  ...replayEvent(registry, emitter, told, 'START'),
];
export const filled: Tell = (registry, emitter, told) => [
  ...replayEvent(registry, emitter, told, 'COMPLETE'),
  computeEvent(registry, emitter, told, 'RUNNING'),
];
export const failed: Tell = (registry, emitter, told) => {
  const error = errorFacet(emitter.producer, told.record.error ?? 'no reason was given');
  return [
    ...replayEvent(registry, emitter, told, 'FAIL', error),
    computeEvent(registry, emitter, told, 'FAIL', error),
  ];
};
/**
 * Promoted, taken out of service, rolled back, taken over by a newer version: it computes on, in
 * another role.
 */
export const changed: Tell = (registry, emitter, told) => [
  ...replayEvent(registry, emitter, told, 'OTHER'),
  computeEvent(registry, emitter, told, 'RUNNING'),
];
/** @param wasFilling whether the replay's run was still under way */
export const ended = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  told: GenerationTold,
  how: 'COMPLETE' | 'ABORT',
  wasFilling: boolean,
): readonly RunEvent[] => [
  ...replayEvent(registry, emitter, told, wasFilling ? 'ABORT' : 'OTHER'),
  computeEvent(registry, emitter, told, how),
];

export interface Progress {
  readonly events: number;
  readonly lag: number;
  readonly entities: number;
  readonly tiles: number;
  /** epoch ms; null: none yet */
  readonly newestEventTime: number | null;
  readonly position: string;
  readonly error: string | null;
}

/** How a generation stands while it computes: told now and then, of those that moved. */
export const progressed = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  told: GenerationTold,
  progress: Progress,
): RunEvent => {
  const { producer } = emitter;
  const { newestEventTime, ...numbers } = progress;
  return computeEvent(registry, emitter, told, 'RUNNING', {
    millrace_progress: ownFacet(producer, 'ProgressRunFacet', {
      ...numbers,
      newestEventTime: newestEventTime === null ? null : new Date(newestEventTime).toISOString(),
    }),
  });
};
