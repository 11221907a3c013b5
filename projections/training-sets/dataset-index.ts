/** Named data sets with their versions: a read model of the registry's commits. */
import {
  type DatasetEvent,
  type DatasetReference,
  type DatasetState,
  evolveDataset,
  isDatasetStream,
  NO_VERSIONS,
} from '#domain/datasets/dataset.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import type { Commit } from '#domain/ports/event-store.ts';

export interface DatasetIndex {
  /** To be called with every commit, in order. */
  readonly take: (commit: Commit) => void;
  readonly find: (reference: DatasetReference) => DatasetManifest | null;
  /** the version that a build made */
  readonly ofBuild: (id: string) => DatasetManifest | null;
  /** by name, then by version */
  readonly all: () => readonly DatasetManifest[];
}

export const createDatasetIndex = (): DatasetIndex => {
  const names = new Map<string, DatasetState>();
  const builds = new Map<string, DatasetReference>();
  const find: DatasetIndex['find'] = ({ name, version }) => {
    const versions = names.get(name)?.versions ?? [];
    return versions.find((one) => one.version === (version ?? versions.length)) ?? null;
  };
  return {
    take({ stream, events }) {
      if (!isDatasetStream(stream) || events.length === 0) return;
      const name = stream.slice(stream.indexOf('/') + 1);
      for (const event of events as readonly DatasetEvent[]) {
        names.set(name, evolveDataset(names.get(name) ?? NO_VERSIONS, event));
        const { dataset, version } = event.data;
        builds.set(dataset, { name, version });
      }
    },
    find,
    ofBuild(id) {
      const reference = builds.get(id);
      return reference === undefined ? null : find(reference);
    },
    all: () =>
      [...names].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, { versions }]) => versions),
  };
};
