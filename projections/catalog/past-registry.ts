/**
 * The registry as it was after an earlier commit, so that an answer about definitions can be given
 * again. The commits are read again from the first one: registries have thousands, not millions.
 */
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import { MillraceError } from '#domain/errors.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import { parsePosition } from '#domain/ports/position.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { createDatasetIndex } from '#projections/training-sets/dataset-index.ts';
import type { Catalog } from './catalog.ts';
import {
  type CatalogStream,
  type CatalogStreams,
  catalogOf,
  takeCommit,
} from './catalog-streams.ts';

export interface RegistryOfThen {
  readonly catalog: CatalogStreams;
  readonly datasets: readonly DatasetManifest[];
}

interface PastRegistryDependencies {
  readonly eventStore: Pick<EventStore, 'readAll'>;
  readonly catalog: Pick<Catalog, 'position' | 'snapshot' | 'catchUp'>;
  /** named data sets, as far as the catalog has read */
  readonly datasets: () => readonly DatasetManifest[];
}

const PAGE = 500;
/** Registries of then that are kept. */
const KEPT = 8;

export const registryPosition = (position: number): string => `${REGISTRY_TOPIC}@0:${position}`;

/** @throws MR_POSITION_NOT_REACHED, MR_BODY_INVALID */
export const createPastRegistry = ({
  eventStore,
  catalog,
  datasets,
}: PastRegistryDependencies): ((asOf: string) => Promise<RegistryOfThen>) => {
  const kept = new Map<number, Promise<RegistryOfThen>>();

  const readAgain = async (position: number): Promise<RegistryOfThen> => {
    const streams = new Map<string, CatalogStream>();
    const index = createDatasetIndex();
    for (let read = 0; read < position; ) {
      const commits = await eventStore.readAll(read, Math.min(PAGE, position - read));
      const last = commits.at(-1);
      if (last === undefined) break;
      for (const commit of commits) {
        takeCommit(streams, commit);
        index.take(commit);
      }
      read = last.position;
    }
    return { catalog: catalogOf(streams), datasets: index.all() };
  };

  const found = (position: number): Promise<RegistryOfThen> => {
    const before = kept.get(position);
    const registry = before ?? readAgain(position);
    kept.delete(position);
    kept.set(position, registry);
    registry.catch(() => kept.delete(position));
    const [oldest] = kept.keys();
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
    return registry;
  };

  return async (asOf) => {
    const [{ offset: position } = { offset: 0 }] = parsePosition(asOf, REGISTRY_TOPIC);
    if (position > catalog.position()) await catalog.catchUp();
    const now = catalog.position();
    if (position === now) return { catalog: catalog.snapshot(), datasets: datasets() };
    if (position < now) return found(position);
    throw new MillraceError(
      'MR_POSITION_NOT_REACHED',
      `position ${registryPosition(position)} is not there yet: the registry is at ${registryPosition(now)}`,
      { position: registryPosition(position), reached: registryPosition(now) },
    );
  };
};
