/**
 * Builds a generation's tiles from what is stored: the saved state, then the updates after it. They
 * may have been written before a field of the source was widened, or by an earlier release.
 *
 * Entities of the saved state are loaded when they are used, and later updates applied then.
 * Reads and appends get turns in between.
 */
import { storedUpdates, type UpdateSchema } from '#domain/encoding/stored-updates.ts';
import { applyUpdate } from '#domain/encoding/tile-snapshot.ts';
import { fail } from '#domain/errors.ts';
import type { GenerationSpec } from '#domain/ports/engine.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import { keyHash } from '#domain/tiles/key-hash.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import { PendingUpdates } from './pending-updates.ts';
import type { Snapshots } from './snapshots.ts';
import { turns } from './turns.ts';

interface RebuildDependencies {
  readonly log: Pick<Log, 'read' | 'begin' | 'end'>;
  readonly schemas: Pick<SchemaRegistry, 'schema'>;
  readonly snapshots: Pick<Snapshots, 'load'>;
  /** an empty one, for the tiles */
  readonly newStore: () => TileStore;
}

/** the most entities of a view in memory */
export type QuotaOf = (view: string) => number;

export interface RebuiltTiles {
  readonly store: TileStore;
  /** next offset of features.<view> after the saved state */
  readonly savedOffset: number;
  /** Loads what has later updates, unless `isWanted` says no. The state can be saved only then. */
  readonly loadPending: (isWanted: () => boolean) => Promise<void>;
}

/** Records of one read are decoded in one turn. */
const READ_BYTES = 256 * 1024;

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

/**
 * Loads every entity of the saved state that is not in memory.
 * @throws MR_ENTITY_QUOTA where the memory may not have all of them
 */
export const loadMissing = async ({ parts, entities, quota, plan }: TileStore): Promise<void> => {
  const turn = turns();
  const all = entities + parts.missingEntities;
  if (parts.missing > 0 && all > quota)
    fail(
      'MR_ENTITY_QUOTA',
      `view "${plan.view}" has ${all} entities, and ${quota} may be in memory: what needs all of them at once (a batch, the comparison of a replay, a replay of some days or entities) needs a larger --entity-quota`,
      { view: plan.view, entities: all, quota },
    );
  for (let part = 0; part < parts.count && parts.missing > 0; part++) {
    parts.load(part);
    await turn();
  }
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
      const head = schema.headOf(value);
      if (head.generation === generation) newest = head.watermark;
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
  const pending = new PendingUpdates();
  const turn = turns();
  const [end = 0] = await log.end(featuresTopic(view));
  const saved = await snapshots.load(view, generation, end);
  const savedOffset =
    saved?.restore(store, (part, wants) => pending.of(part, wants)) === true
      ? saved.nextOffset
      : firstUpdate;
  const [begin = 0] = await log.begin(featuresTopic(view));
  if (savedOffset < begin) return 'trimmed';
  const { parts } = store;
  /** @returns whether the update waits until its part is loaded */
  const waits = (key: string, schema: UpdateSchema, value: Uint8Array): boolean => {
    if (parts.missing === 0 || pending.isFull()) return false;
    const part = parts.of(keyHash(key));
    if (!parts.isMissing(part)) return false;
    pending.add(part, key, schema, value);
    return true;
  };
  const range = { from: savedOffset, maxBytes: READ_BYTES };
  for await (const records of readPartition(log, featuresTopic(view), 0, range)) {
    for (const { schemaId, value } of records) {
      const schema = known.get(schemaId) ?? (await load(schemaId));
      const head = schema.headOf(value);
      if (head.generation !== generation) continue;
      if (!schema.fits) return 'misfit';
      if (waits(head.key, schema, value)) {
        store.newestOfAll = Math.max(store.newestOfAll, head.newestEventTime);
        store.watermark = Math.max(store.watermark, head.watermark ?? store.watermark);
      } else applyUpdate(store, schema.decode(value));
    }
    await turn();
  }
  const loadPending = async (isWanted: () => boolean): Promise<void> => {
    for (const part of pending.parts()) {
      if (!isWanted()) return;
      if (store.entities + parts.missingOf(part) <= store.quota) parts.load(part);
      else parts.loadSome(part, (key) => pending.has(part, key));
      await turn();
    }
  };
  return { store, savedOffset, loadPending };
};
