/**
 * A training set or a batch score as a run: the request, the versions and snapshots that it reads,
 * its output file and its number of rows.
 */
import type { DatasetStatus } from '#domain/api/datasets.ts';
import type { DatasetChange } from '#domain/ports/lineage.ts';
import { statusColumn } from '#domain/training-sets/statuses.ts';
import { serviceColumns } from './columns.ts';
import { type LineageInput, type RunEvent, type RunState, runEvent } from './event.ts';
import { ownFacet, standardFacet } from './facets.ts';
import { datasetName, type LineageEmitter } from './names.ts';
import { runIdOf } from './run-id.ts';

const EVENT: Readonly<Record<DatasetStatus['state'], RunState>> = {
  running: 'START',
  done: 'COMPLETE',
  failed: 'FAIL',
  cancelled: 'ABORT',
};

const FORMATS: Readonly<Record<string, string>> = { csv: 'csv', parquet: 'parquet' };
const formatOf = (path: string): string =>
  FORMATS[path.slice(path.lastIndexOf('.') + 1).toLowerCase()] ?? 'parquet';

const file = (producer: string, path: string) => ({
  namespace: 'file',
  name: path,
  facets: {
    storage: standardFacet(producer, 'StorageDatasetFacet', {
      storageLayer: 'file',
      fileFormat: formatOf(path),
    }),
    datasetType: standardFacet(producer, 'DatasetTypeDatasetFacet', { datasetType: 'FILE' }),
  },
});

const inputsOf = (
  { producer, namespace }: LineageEmitter,
  change: DatasetChange,
): readonly LineageInput[] => {
  const version = (datasetVersion: string) => ({
    version: standardFacet(producer, 'DatasetVersionDatasetFacet', { datasetVersion }),
  });
  const snapshots = new Map(change.snapshots.map((read) => [read.topic, read.snapshot]));
  const { spine } = change.request;
  return [
    ...change.status.views.map(({ view, version: v, generation }) => ({
      namespace,
      name: datasetName('feature-view', view),
      facets: version(generation === null ? String(v) : `${v}/${generation}`),
    })),
    ...change.sources.map((source) => {
      const name = datasetName('source', source);
      const snapshot = snapshots.get(name) ?? null;
      return { namespace, name, ...(snapshot === null ? {} : { facets: version(snapshot) }) };
    }),
    ...('file' in spine ? [file(producer, spine.file)] : []),
  ];
};

const outputOf = (
  { producer, namespace }: LineageEmitter,
  { status, members, bytes, request }: DatasetChange,
) => {
  const { out, rows, state } = status;
  const { facets, ...place } = file(producer, out);
  if (state !== 'done') return { ...place, facets };
  return {
    ...place,
    facets: {
      ...facets,
      version: standardFacet(producer, 'DatasetVersionDatasetFacet', { datasetVersion: status.id }),
      schema: standardFacet(producer, 'SchemaDatasetFacet', {
        fields: status.features
          .flatMap((name) => (request.withStatus === true ? [name, statusColumn(name)] : [name]))
          .map((name) => ({ name })),
      }),
      columnLineage: standardFacet(producer, 'ColumnLineageDatasetFacet', {
        ...serviceColumns(namespace, members),
      }),
      lifecycleStateChange: standardFacet(producer, 'LifecycleStateChangeDatasetFacet', {
        lifecycleStateChange: 'OVERWRITE',
      }),
    },
    outputFacets: {
      outputStatistics: standardFacet(producer, 'OutputStatisticsOutputDatasetFacet', {
        ...(rows === null ? {} : { rowCount: rows }),
        ...(bytes === null ? {} : { size: bytes }),
        fileCount: 1,
      }),
    },
  };
};

export const datasetRun = (emitter: LineageEmitter, change: DatasetChange): RunEvent => {
  const { producer, namespace } = emitter;
  const { status, request, kind, actor } = change;
  const { id, state, mode, known, views, startedAt, finishedAt, error } = status;
  const { target } = request;
  const name = 'service' in target ? target.service : target.view;
  return runEvent(producer, finishedAt ?? startedAt, {
    eventType: EVENT[state],
    run: {
      runId: runIdOf(startedAt, JSON.stringify([namespace, kind, id, status.out])),
      facets: {
        millrace_dataset: ownFacet(producer, 'DatasetRunFacet', {
          id,
          kind,
          ...(status.name === undefined ? {} : { name: status.name }),
          ...(status.version === undefined ? {} : { version: status.version }),
          mode,
          known: new Date(known).toISOString(),
          target,
          actor,
          views,
          snapshots: change.snapshots,
        }),
        ...(error === null
          ? {}
          : {
              errorMessage: standardFacet(producer, 'ErrorMessageRunFacet', {
                message: `${error.code}: ${error.message}`,
                programmingLanguage: 'TypeScript',
              }),
            }),
      },
    },
    job: {
      namespace,
      name: `${kind}.${name}`,
      facets: {
        jobType: standardFacet(producer, 'JobTypeJobFacet', {
          processingType: 'BATCH',
          integration: 'MILLRACE',
          jobType: kind.toUpperCase(),
        }),
      },
    },
    inputs: inputsOf(emitter, change),
    outputs: [outputOf(emitter, change)],
  });
};
