/**
 * A generation as runs of jobs. `compute.<view>` runs from the generation's first event until it is
 * retired, abandoned or fails. Where a replay started it, `replay.<view>` is a child run: the
 * filling, which ends when the generation is filled. Later decisions about the generation
 * (promoted, rolled back) are events of both runs.
 */
import type { FeatureViewDefinition } from '#domain/definitions/model.ts';
import type { GenerationRecord } from '#domain/registry/state.ts';
import { flowOf, jobOf } from './definitions.ts';
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
import type { RegistryThen } from './registry-then.ts';

/** The run ids of a generation. A view that was retired and restored gets new runs. */
export interface GenerationRuns {
  readonly compute: string;
  readonly replay: string | null;
}

export interface ReportedGeneration {
  readonly view: FeatureViewDefinition;
  readonly record: GenerationRecord;
  readonly runs: GenerationRuns;
  /** epoch ms */
  readonly time: number;
  /** type of the registry's event */
  readonly change: string;
}

const generationFacet = (producer: string, { view, record, change }: ReportedGeneration) => {
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

/** Inputs and outputs of a run: with facets at its start, only their names afterwards. */
const flow = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  { view, record }: ReportedGeneration,
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
  reported: ReportedGeneration,
  eventType: RunState,
  facets: Facets = {},
): RunEvent => {
  const { producer, namespace, engine } = emitter;
  const starts = eventType === 'START';
  const name = computeJob(reported.view.name);
  return runEvent(producer, reported.time, {
    eventType,
    run: {
      runId: reported.runs.compute,
      facets: {
        millrace_generation: generationFacet(producer, reported),
        ...(starts
          ? { processing_engine: standardFacet(producer, 'ProcessingEngineRunFacet', engine) }
          : {}),
        ...facets,
      },
    },
    job: (starts ? jobOf(emitter, reported.view) : null) ?? { namespace, name },
    ...flow(registry, emitter, reported, starts),
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
  reported: ReportedGeneration,
  eventType: RunState,
  facets: Facets = {},
): readonly RunEvent[] => {
  const { producer, namespace } = emitter;
  const { replay } = reported.record;
  if (replay === null || reported.runs.replay === null) return [];
  const job: LineageJob = {
    namespace,
    name: replayJob(reported.view.name),
    facets: {
      jobType: standardFacet(producer, 'JobTypeJobFacet', {
        processingType: 'BATCH',
        integration: 'MILLRACE',
        jobType: 'REPLAY',
      }),
    },
  };
  return [
    runEvent(producer, reported.time, {
      eventType,
      run: {
        runId: reported.runs.replay,
        facets: {
          parent: standardFacet(producer, 'ParentRunFacet', {
            run: { runId: reported.runs.compute },
            job: { namespace, name: computeJob(reported.view.name) },
          }),
          millrace_generation: generationFacet(producer, reported),
          ...rangeFacet(producer, replay),
          ...facets,
        },
      },
      job,
      ...flow(registry, emitter, reported, eventType === 'START'),
    }),
  ];
};

const errorFacet = (producer: string, message: string): Facets => ({
  errorMessage: standardFacet(producer, 'ErrorMessageRunFacet', {
    message,
    programmingLanguage: 'TypeScript',
  }),
});

type Emit = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  reported: ReportedGeneration,
) => readonly RunEvent[];

export const started: Emit = (registry, emitter, reported) => [
  computeEvent(registry, emitter, reported, 'START'),
  ...replayEvent(registry, emitter, reported, 'START'),
];
export const filled: Emit = (registry, emitter, reported) => [
  ...replayEvent(registry, emitter, reported, 'COMPLETE'),
  computeEvent(registry, emitter, reported, 'RUNNING'),
];
export const failed: Emit = (registry, emitter, reported) => {
  const error = errorFacet(emitter.producer, reported.record.error ?? 'no reason was given');
  return [
    ...replayEvent(registry, emitter, reported, 'FAIL', error),
    computeEvent(registry, emitter, reported, 'FAIL', error),
  ];
};
/** Promoted, demoted, rolled back, adopted by a newer version: it computes on in another role. */
export const changed: Emit = (registry, emitter, reported) => [
  ...replayEvent(registry, emitter, reported, 'OTHER'),
  computeEvent(registry, emitter, reported, 'RUNNING'),
];
/** @param wasFilling whether the replay's run had not ended */
export const ended = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  reported: ReportedGeneration,
  how: 'COMPLETE' | 'ABORT',
  wasFilling: boolean,
): readonly RunEvent[] => [
  ...replayEvent(registry, emitter, reported, wasFilling ? 'ABORT' : 'OTHER'),
  computeEvent(registry, emitter, reported, how),
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

/** The progress of a generation that computes. */
export const progressed = (
  registry: RegistryThen,
  emitter: LineageEmitter,
  reported: ReportedGeneration,
  progress: Progress,
): RunEvent => {
  const { producer } = emitter;
  const { newestEventTime, ...numbers } = progress;
  return computeEvent(registry, emitter, reported, 'RUNNING', {
    millrace_progress: ownFacet(producer, 'ProgressRunFacet', {
      ...numbers,
      newestEventTime: newestEventTime === null ? null : new Date(newestEventTime).toISOString(),
    }),
  });
};
