/**
 * A view of many keys whose events follow from their number, and its updates. Child and parent of
 * the test make the same ones, so no log is needed.
 */
import { col, count, entity, featureView, last, source, sum } from 'millrace';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { GenerationSpec } from '#domain/ports/engine.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import { type RebuiltTiles, rebuildTiles } from '#infra/embedded-engine/rebuild-tiles.ts';
import { openSnapshots, type Snapshots } from '#infra/embedded-engine/snapshots.ts';

export const PLATFORM = '5e0b6b0e-6e8c-4b52-9a2e-3d1f0c7a9b11';
export const VIEW = 'activity';
const USERS = 3_000;
const HOUR = 3_600_000;
const START = Date.parse('2026-01-01T00:00:00Z');

const parsed = <D>(definition: unknown): D =>
  parseDefinition(JSON.parse(JSON.stringify(definition))) as D;
const user = entity({ name: 'user', keys: { user: 'string' } });
const clicks = source({
  name: 'clicks',
  fields: { user: 'string', at: 'timestamp', amount: 'double' },
  eventTime: 'at',
});
const activity = featureView({
  name: VIEW,
  entity: user,
  source: clicks,
  features: {
    clicks_1d: count({ window: '1d', hop: '1h' }),
    amount_7d: sum(col('amount'), { window: '7d', hop: '1h' }),
    last_amount: last(col('amount')),
  },
});
const from = parsed<SourceDefinition>(clicks);
export const plan = planView(
  parsed<FeatureViewDefinition>(activity),
  from,
  parsed<EntityDefinition>(user),
);
const spec: GenerationSpec = { view: VIEW, version: 1, generation: 1, plan, source: from };
const codec = tileCodec(plan);

/** Events move on by a minute in a hundred, so that tiles leave the windows. */
const computeEvent = (store: TileStore, n: number): void => {
  const name = `user-${(n * 7919) % USERS}`;
  const at = START + Math.floor(n / 100) * 60_000 - ((n * 31) % 5) * HOUR;
  store.process({ user: name, at, amount: (n % 1000) / 4 }, at, 0, n, at);
};

export interface World {
  readonly tiles: RebuiltTiles;
  readonly snapshots: Snapshots;
  /** next offset of the updates */
  readonly end: () => number;
  /** Computes events up to the n-th, which are durable then. */
  readonly computeTo: (n: number) => void;
}

/** The tiles and updates of the first `events` events, without a saved state. */
export const fromEvents = (events: number) => {
  const store = createTileStore(plan);
  const updates: Uint8Array[] = [];
  for (let n = 0; n < events; n++) {
    computeEvent(store, n);
    codec.encodeChanges(store, 1, 1, (value) => updates.push(value));
  }
  return { store, updates };
};

/** Opens the saved state in a directory as a server does that is started again. */
export const openWorld = async (
  directory: string,
  events: number,
  warn: (message: string) => void,
): Promise<World> => {
  const { updates } = fromEvents(events);
  let computed = events;
  const snapshots = openSnapshots({ directory, platform: PLATFORM, warn });
  const log = {
    begin: async () => [0],
    end: async () => [updates.length],
    read: async (topic: string, partition: number, offset: number) =>
      updates.slice(offset, offset + 1_000).map((value, i): LogRecord => {
        const at = { offset: offset + i, logTime: 0 };
        return { topic, partition, key: null, value, schemaId: 1, ...at };
      }),
  };
  const schemas = { schema: async () => featuresAvroSchema(plan) };
  const newStore = () => createTileStore(plan);
  const tiles = await rebuildTiles(spec, { log, schemas, snapshots, newStore }, 0);
  if (typeof tiles === 'string') throw new Error(tiles);
  return {
    tiles,
    snapshots,
    end: () => updates.length,
    computeTo(n) {
      for (; computed < n; computed++) {
        computeEvent(tiles.store, computed);
        codec.encodeChanges(tiles.store, 1, 1, (value) => updates.push(value));
      }
    },
  };
};

/** Every tile, by entity, hop and number, with its state. */
export const tilesOf = (store: TileStore): ReadonlyMap<string, string> => {
  store.evict();
  return new Map(
    store.groups.flatMap((group) => {
      const { hop, nums, refs, newest, tileNo, entity: of } = group;
      const encoders = hop.partials.flatMap(({ partial }) => partial.refs);
      return [...group.all()].map((slot) => {
        const own = [...nums.subarray(slot * hop.nums, (slot + 1) * hop.nums)];
        const data = encoders.map((field, i) => field.encode(refs[slot * hop.refs + i]));
        return [
          `${store.keys[of[slot] as number]} ${hop.hopMs} ${tileNo[slot]}`,
          JSON.stringify([newest[slot], own, data]),
        ] as const;
      });
    }),
  );
};
