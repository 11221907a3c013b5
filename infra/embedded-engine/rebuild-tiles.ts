/**
 * Builds a generation's tiles from what is stored: the saved state, then the updates after it. They
 * may have been written before a field of the source was widened, or by an earlier release.
 */
import { storedUpdates, type UpdateSchema } from '#domain/encoding/stored-updates.ts';
import { applyUpdate, restoreSnapshot } from '#domain/encoding/tile-snapshot.ts';
import type { GenerationSpec } from '#domain/ports/engine.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { Snapshots } from './snapshots.ts';

interface RebuildDependencies {
  readonly log: Pick<Log, 'read' | 'begin' | 'end'>;
  readonly schemas: Pick<SchemaRegistry, 'schema'>;
  readonly snapshots: Pick<Snapshots, 'load'>;
  /** an empty one, for the tiles */
  readonly newStore: () => TileStore;
}

/** the most entities of a view in memory */
export type QuotaOf = (view: string) => number;

interface RebuiltTiles {
  readonly store: TileStore;
  /** next offset of features.<view> after the saved state */
  readonly savedOffset: number;
}

const READ_BYTES = 8 * 1024 * 1024;

/** The schemas of updates. `known` has those that were loaded, so that most need no waiting. */
const updateSchemas = (
  { plan }: GenerationSpec,
  { schemas }: Pick<RebuildDependencies, 'schemas'>,
) => {
  const updatesOf = storedUpdates(plan);
  const known = new Map<number, UpdateSchema>();
  const load = async (id: number): Promise<UpdateSchema> => {
    const found = updatesOf(await schemas.schema(id));
    known.set(id, found);
    return found;
  };
  return { known, load };
};

/** The watermark in the newest update of a generation that the log has, epoch ms; null: in none. */
export const newestWatermark = async (
  spec: GenerationSpec,
  { log, schemas }: Pick<RebuildDependencies, 'log' | 'schemas'>,
): Promise<number | null> => {
  const { view, generation } = spec;
  const { known, load } = updateSchemas(spec, { schemas });
  const [from = 0] = await log.begin(featuresTopic(view));
  let newest: number | null = null;
  const range = { from, maxBytes: READ_BYTES };
  for await (const records of readPartition(log, featuresTopic(view), 0, range))
    for (const { schemaId, value } of records) {
      const schema = known.get(schemaId) ?? (await load(schemaId));
      if (schema.generationOf(value) === generation) newest = schema.watermarkOf(value);
    }
  return newest;
};

/**
 * @param firstUpdate the offset in features.<view> below which the generation wrote nothing
 * @returns `misfit` where an update of the generation lacks a state that the plan has; `trimmed`
 * where the log no longer has all of its updates, because a state was saved after them
 */
export const rebuildTiles = async (
  spec: GenerationSpec,
  { log, schemas, snapshots, newStore }: RebuildDependencies,
  firstUpdate: number,
): Promise<RebuiltTiles | 'misfit' | 'trimmed'> => {
  const { view, generation } = spec;
  const { known, load } = updateSchemas(spec, { schemas });
  const store = newStore();
  const [end = 0] = await log.end(featuresTopic(view));
  const saved = snapshots.load(view, generation, end);
  const savedOffset =
    saved !== null && restoreSnapshot(store, saved.state) ? saved.nextOffset : firstUpdate;
  const [begin = 0] = await log.begin(featuresTopic(view));
  if (savedOffset < begin) return 'trimmed';
  const range = { from: savedOffset, maxBytes: READ_BYTES };
  for await (const records of readPartition(log, featuresTopic(view), 0, range)) {
    for (const { schemaId, value } of records) {
      const schema = known.get(schemaId) ?? (await load(schemaId));
      if (schema.generationOf(value) !== generation) continue;
      if (!schema.fits) return 'misfit';
      applyUpdate(store, schema.decode(value));
    }
  }
  return { store, savedOffset };
};
