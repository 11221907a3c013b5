/**
 * The stack profile's serving path alone: the gateway, the reads and the cached copy in a real
 * Redis, of a view with `last` values of 50 columns. The records that would come from Flink through
 * Kafka are made here, so that a benchmark needs one server.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { col, entity, featureView, last, source } from '#domain/definitions/index.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { updateDecoder } from '#domain/encoding/update-decoder.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { TilesTarget } from '#domain/ports/online-store.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import { createTileStore } from '#domain/tiles/tile-store.ts';
import { redisCacheStore } from '#infra/redis/cache-store.ts';
import { cachePartition, type KeyedUpdate } from '#projections/cache/cache-tiles.ts';
import { onlineTiles, tilesFetcher } from '#projections/serving/online-tiles.ts';
import { createRead, type Read } from '#projections/serving/read.ts';

const parsed = <T>(definition: unknown): T =>
  parseDefinition(JSON.parse(JSON.stringify(definition))) as T;

export const COLUMNS = 50;

const PLATFORM = '00000000-0000-4000-8000-000000000000';

/**
 * A view named `view` of entity `driver_id`, with the columns f0 … f<columns − 1>, each the last
 * value: whole numbers and fractions in turn.
 */
export const lastValues = (view: string, columns: number): TilesTarget => {
  const names = Array.from({ length: columns }, (_, i) => `f${i}`);
  const driver = entity({ name: 'driver', keys: { driver_id: 'long' } });
  const rows = source({
    name: 'rows',
    fields: {
      driver_id: 'long',
      event_timestamp: 'timestamp',
      ...Object.fromEntries(
        names.map((name, i) => [name, i % 2 === 0 ? 'long' : 'double'] as const),
      ),
    },
    eventTime: 'event_timestamp',
  });
  const features = Object.fromEntries(names.map((name) => [name, last(col(name))]));
  const definition = featureView({ name: view, entity: driver, source: rows, features });
  const plan = planView(
    parsed<FeatureViewDefinition>(definition),
    parsed<SourceDefinition>(rows),
    parsed<EntityDefinition>(driver),
  );
  return { plan, generation: 1 };
};

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export type DriverRow = Readonly<Record<string, number>>;

/**
 * Records of features.<view> as the engine writes them, one for each row, encoded in one buffer, as
 * in a fetch from Kafka.
 */
export const encodeRows = (target: TilesTarget, rows: Iterable<DriverRow>): Uint8Array[] => {
  const { plan } = target;
  const store = createTileStore(plan);
  const codec = tileCodec(plan);
  let bytes = Buffer.alloc(1024 * 1024);
  const ends = [0];
  let offset = 0;
  for (const row of rows) {
    const eventTime = row.event_timestamp as number;
    store.process(row, eventTime, 0, offset++, eventTime);
    codec.encodeChanges(store, 1, target.generation, (value) => {
      const at = ends.at(-1) as number;
      if (at + value.length > bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2);
      bytes.set(value, at);
      ends.push(at + value.length);
    });
  }
  return ends.slice(1).map((end, i) => bytes.subarray(ends[i] as number, end));
};

const BATCH = 5_000;

export interface Written {
  readonly seconds: number;
  /** of the process that wrote */
  readonly cpuSeconds: number;
}

/** Decodes the records and writes them as the cached copy's worker does. */
export const writeRows = async (
  address: RedisAddress,
  target: TilesTarget,
  records: readonly Uint8Array[],
): Promise<Written> => {
  const store = redisCacheStore({ ...address, platform: PLATFORM, ttlOf: () => null });
  await connected(() => store.progress(target));
  const schema = featuresAvroSchema(target.plan);
  const decoder = updateDecoder({ schema: async () => schema });
  const partition = cachePartition({
    store,
    target,
    partition: 0,
    partitions: 1,
    ttlMs: null,
    now: Date.now,
  });
  await partition.start();
  const started = performance.now();
  const cpu = process.cpuUsage();
  for (let from = 0; from < records.length; from += BATCH) {
    const updates: KeyedUpdate[] = [];
    const to = Math.min(from + BATCH, records.length);
    for (let offset = from; offset < to; offset++) {
      const value = records[offset] as Uint8Array;
      const decoding = decoder.pack(target.plan, {
        topic: 'features',
        partition: 0,
        offset,
        logTime: 0,
        schemaId: 1,
        key: null,
        value,
      });
      const update = decoding instanceof Promise ? await decoding : decoding;
      if (update !== null) updates.push({ ...update, offset });
    }
    if (
      !(await partition.apply({ partition: 0, updates, next: to, end: records.length, logTime: 0 }))
    )
      throw new Error('Redis has another position: empty it first');
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await store.close();
  return { seconds, cpuSeconds: (user + system) / 1e6 };
};

const connected = async (ask: () => Promise<unknown>): Promise<void> => {
  for (;;) {
    try {
      await ask();
      return;
    } catch {
      await sleep(20);
    }
  }
};

const never = (what: string) => (): never => {
  throw new Error(`${what} is not part of this bench`);
};

const readOf = (
  target: TilesTarget,
  how: Pick<ServedView, 'read' | 'newest'> & { readonly fetch?: NonNullable<ServedView['fetch']> },
): Read => {
  const view: ServedView = {
    plan: target.plan,
    version: 1,
    generation: target.generation,
    schemaId: 1,
    positions: () => [{ partition: 0, offset: 100_000 }],
    position: () => 'raw.rows/0@100000',
    newestEventTime: () => 0,
    completeThrough: (now) => now,
    degraded: () => NOT_DEGRADED,
    ...how,
  };
  return createRead({
    definitions: {
      service: () => null,
      onDemand: () => null,
      retired: () => null,
      scope: never('an on-demand feature'),
    },
    views: {
      live: (name) => (name === target.plan.view ? view : null),
      epoch: () => 1,
    },
    pastGeneration: never('a read of the past'),
    rawEvents: never('raw events') as never,
    readTime: Date.now,
    presentTime: Date.now,
    horizon: () => null,
    knowledge: never('a read of the past'),
    ends: never('raw events'),
    leftOut: never('a read of the past'),
    waitFor: never('a wait'),
    registry: { position: never('the registry'), head: never('the registry') },
  });
};

/** Reads from the cached copy, as a gateway of the stack profile does. */
export const redisRead = async (address: RedisAddress, target: TilesTarget): Promise<Read> => {
  const cache = redisCacheStore({ ...address, platform: PLATFORM, ttlOf: () => null });
  await connected(() => cache.progress(target));
  const nothing = { name: 'none', read: never('a durable tier'), close: async () => {} };
  const readsByStore = { cache: 0, durable: 0, history: 0 };
  const durableHas = { expired: () => false, until: () => false };
  // There is no other store to fall back to, however busy the machine is.
  const timeouts = { cacheTimeout: { timeoutMs: 10_000 }, durableTimeout: { timeoutMs: 10_000 } };
  const tiles = onlineTiles({
    cache,
    durable: nothing,
    cacheHas: () => true,
    durableHas,
    readsByStore,
    ...timeouts,
  });
  return readOf(target, {
    read: never('a read from memory'),
    newest: () => null,
    fetch: tilesFetcher(target, tiles),
  });
};

/** Reads from tiles in this process, as an embedded gateway does. */
export const memoryRead = (target: TilesTarget, rows: Iterable<DriverRow>): Read => {
  const store = createTileStore(target.plan);
  let offset = 0;
  for (const row of rows)
    store.process(row, row.event_timestamp as number, 0, offset++, row.event_timestamp as number);
  return readOf(target, {
    read: (key, at, out, status) => store.read(key, at, out, status),
    newest: (key) => store.newestOf(key),
  });
};
