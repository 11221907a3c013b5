/**
 * The engines agree. Definitions and events are random (late, out of order, at the same time, null,
 * duplicate keys) and go through Kafka and Flink. The answers of the cache tier, the durable tier,
 * the past, the explanation and the data set equal those computed directly.
 */

import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import { updateDecoder } from '#domain/encoding/update-decoder.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import type { EntityKey, FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { NOT_DEGRADED } from '#domain/ports/degraded.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { rawCodec } from '#domain/sources/raw-codec.ts';
import { EARLIEST } from '#domain/sources/refusal.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { RawEvent, Row, Scalar, Value } from '#domain/values/value.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { flinkGeneration } from '#infra/flink/generation.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { definitions, moments, rawEvents, SOURCE, sentRow } from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { finished } from '#tests/support/platform.ts';

const SEED = Number(process.env.MILLRACE_SEED ?? 20_261_123);
const VIEWS = Number(process.env.MILLRACE_VIEWS ?? 8);
const DAY = 86_400_000;

interface Drawn {
  readonly source: SourceDefinition;
  readonly all: readonly Definitions[];
  readonly rows: readonly Row[];
  readonly batch: number;
}

/**
 * Moved by whole days, so that alignment is kept, to end near the present: then the windows of a
 * read of now are full.
 */
const nearNow = (rows: readonly Row[], now: number): readonly Row[] => {
  const newest = Math.max(...rows.map((row) => row.t as number));
  const shift = Math.floor((now - newest) / DAY) * DAY;
  return rows
    .map((row) => ({ ...row, t: (row.t as number) + shift }))
    .filter((row) => row.t >= EARLIEST);
};

/** Random views may have no sketches: this one has all, over inputs of several types. */
const col = (name: string): Expr => ({ op: 'col', name });
const sketched: Definitions = {
  entity: { kind: 'entity', name: 'one', keys: { k: 'string' } },
  source: SOURCE,
  view: {
    kind: 'feature-view',
    name: 'sketched',
    entity: 'one',
    source: SOURCE.name,
    features: {
      texts: { aggregation: 'approxCountDistinct', input: col('s'), window: '7d' },
      numbers: { aggregation: 'approxCountDistinct', input: col('x'), params: { precision: 14 } },
      days: { aggregation: 'approxCountDistinct', input: col('d'), window: '365d' },
      times: { aggregation: 'approxCountDistinct', input: col('t'), window: '1d', hop: '1h' },
      middle: {
        aggregation: 'approxPercentile',
        input: col('x'),
        params: { q: 0.5 },
        window: '7d',
      },
      high: { aggregation: 'approxPercentile', input: col('n'), params: { q: 0.95 } },
      often: { aggregation: 'approxTopK', input: col('s'), params: { k: 2 }, window: '7d' },
      often_numbers: { aggregation: 'approxTopK', input: col('n'), params: { k: 3 } },
    },
  },
};

const draw = (seed: number): Drawn => {
  const source = { ...SOURCE, name: uniqueName('things'), partitions: 2 };
  const sample = <T>(arbitrary: fc.Arbitrary<T>, n: number, salt: number): T[] =>
    fc.sample(arbitrary, { seed: seed + salt, numRuns: n });
  const all = [...sample(definitions(), VIEWS, 0), sketched].map(({ view, entity }, i) => {
    const named: FeatureViewDefinition = {
      ...view,
      name: uniqueName(`seen${i}`),
      source: source.name,
    };
    return { view: named, source, entity };
  });
  const rows = sample(rawEvents(60), 40, 1).flatMap((events) =>
    events.length === 0
      ? []
      : nearNow(
          events.map((e) => e.row),
          Date.now(),
        ),
  );
  return { source, all, rows, batch: 17 };
};

const drawn = draw(SEED);
let cache: StackPlatform;
let durable: StackPlatform;
let events: readonly RawEvent[] = [];
let position = '';
const knownAfter: { time: number; count: number }[] = [];

const readLog = async (): Promise<readonly RawEvent[]> => {
  const log = await kafkaLog({ brokers: [addresses().kafka], clientId: 'parity' });
  const { decode } = rawCodec(drawn.source);
  const found: RawEvent[] = [];
  const topic = rawTopic(drawn.source.name);
  for (const [partition, end] of (await log.end(topic)).entries()) {
    for await (const records of readPartition(log, topic, partition, { end })) {
      for (const record of records) {
        const row = decode(record.value);
        found.push({
          row,
          eventTime: row.t as number,
          partition,
          offset: record.offset,
          logTime: record.logTime,
        });
      }
    }
  }
  await log.close();
  return found;
};

beforeAll(async () => {
  console.log(
    `parity: MILLRACE_SEED=${SEED}, ${drawn.rows.length} events, ${drawn.all.length} views`,
  );
  cache = await stackPlatform();
  const { platform } = cache;
  await platform.registry.apply(
    [...new Map(drawn.all.map((d) => [d.entity.name, d.entity])).values(), drawn.source],
    {},
    caller,
  );
  await platform.registry.apply(
    drawn.all.map((d) => d.view),
    {},
    caller,
  );
  for (let i = 0; i < drawn.rows.length; i += drawn.batch) {
    const result = await platform.publishing.publish(
      { source: drawn.source.name, events: drawn.rows.slice(i, i + drawn.batch).map(sentRow) },
      caller,
    );
    expect(result.rejected).toEqual([]);
    position = result.position;
    if (i % (drawn.batch * 6) === 0)
      knownAfter.push({
        time: Date.now() + 2,
        count: Math.min(drawn.rows.length, i + drawn.batch),
      });
    await sleep(5);
  }
  events = await readLog();
  expect(events.length).toBe(drawn.rows.length);
  durable = await stackPlatform({ cache: false });
});

afterAll(async () => {
  await cache?.dispose();
  await durable?.dispose();
});

const entitiesOf = (all: Definitions): readonly EntityKey[] => {
  const names = Object.keys(all.entity.keys);
  const known = new Map(
    events.flatMap((e) => {
      const values = keyValues(all, e.row);
      return values === null ? [] : [[JSON.stringify(values), values] as const];
    }),
  );
  const stranger = Object.values(all.entity.keys).map((type) =>
    type === 'string' ? 'absent' : 77,
  );
  return [...known.values(), stranger].map((values) =>
    Object.fromEntries(names.map((name, i) => [name, values[i] as Scalar])),
  );
};

const expectOracle = (
  all: Definitions,
  known: readonly RawEvent[],
  entity: EntityKey,
  at: number,
  values: readonly Value[],
  status?: readonly FeatureStatus[],
): void => {
  const plan = planView(all.view, all.source, all.entity);
  const want = oracle(all, known, Object.values(entity), at);
  if (status !== undefined)
    expect({ view: all.view, entity, at, status }).toEqual({
      view: all.view,
      entity,
      at,
      status: want.status,
    });
  Object.values(all.view.features).forEach((feature, i) => {
    const whole = plan.features[i]?.type.base === 'long';
    const same = sameValue(
      feature.aggregation,
      whole,
      values[i],
      want.values[i],
      want.scale[i] as number,
    );
    const text = `${JSON.stringify(feature)} of ${JSON.stringify(entity)} at ${at}: ${JSON.stringify(values[i])}, wanted ${JSON.stringify(want.values[i])}`;
    expect(same, text).toBe(true);
  });
};

const featuresOf = ({ view }: Definitions): string[] =>
  Object.keys(view.features).map((name) => `${view.name}:${name}`);
const momentsOf = (all: Definitions, n: number): readonly number[] =>
  fc.sample(moments(all, events), { seed: SEED, numRuns: n }).filter((at) => at <= Date.now());

const settled = async (platform: StackPlatform['platform']): Promise<void> => {
  for (const all of drawn.all) {
    await until(
      `${all.view.name} has taken in ${position}`,
      () =>
        platform.serving
          .read({
            features: featuresOf(all),
            entities: entitiesOf(all).slice(0, 1),
            after: position,
          })
          .then(() => true)
          .catch((error: { code?: string }) => {
            if (error.code === 'MR_POSITION_NOT_REACHED') return false;
            throw error;
          }),
      120_000,
    );
  }
};

test('Flink’s tiles give the right values at every time that they cover', async () => {
  await settled(cache.platform);
  const log = await kafkaLog({ brokers: [addresses().kafka], clientId: 'parity-tiles' });
  const decoder = updateDecoder(confluentSchemaRegistry({ url: addresses().registry }));
  let answered = 0;
  for (const all of drawn.all) {
    const plan: ViewPlan = planView(all.view, all.source, all.entity);
    const spec = { view: all.view.name, version: 1, generation: 1, plan, source: all.source };
    const generation = flinkGeneration({
      spec,
      log,
      cache: null,
      decoder,
      checkpointAt: () => null,
      updatesFrom: async () => null,
      onFolded: () => {},
      fetch: async () => ({
        read: () => 'needs-history',
        newest: () => null,
        degraded: NOT_DEGRADED,
      }),
    });
    const store: TileStore = await generation.tiles();
    for (const at of momentsOf(all, 12)) {
      for (const entity of entitiesOf(all)) {
        const values: Value[] = [];
        const status: FeatureStatus[] = [];
        if (store.read(encodeKey(Object.values(entity)), at, values, status) !== 'ok') continue;
        answered++;
        expectOracle(all, events, entity, at, values, status);
      }
    }
  }
  await log.close();
  expect(answered).toBeGreaterThan(50);
});

test('online reads are right from the cache tier and from the durable one', async () => {
  for (const { platform } of [cache, durable]) {
    await settled(platform);
    for (const all of drawn.all) {
      const entities = entitiesOf(all);
      const now = await platform.serving.read({ features: featuresOf(all), entities });
      entities.forEach((entity, i) =>
        expectOracle(all, events, entity, now.at, now.values[i] as Value[], now.status[i]),
      );
    }
  }
});

test('reads of the past are right, by event time and by knowledge time', async () => {
  const { platform } = cache;
  for (const all of drawn.all) {
    const entities = entitiesOf(all).slice(0, 4);
    for (const at of momentsOf(all, 3)) {
      const past = await platform.serving.read({ features: featuresOf(all), entities, at });
      entities.forEach((entity, i) =>
        expectOracle(all, events, entity, at, past.values[i] as Value[], past.status[i]),
      );
    }
    for (const { time } of knownAfter.slice(0, 2)) {
      const then = await platform.serving.read({
        features: featuresOf(all),
        entities,
        at: time,
        known: time,
      });
      const known = events.filter((event) => event.logTime <= time);
      entities.forEach((entity, i) =>
        expectOracle(all, known, entity, time, then.values[i] as Value[], then.status[i]),
      );
    }
  }
});

test('the explanation recomputes the value that it explains', async () => {
  for (const all of drawn.all) {
    const [feature] = Object.keys(all.view.features) as [string];
    const why = await cache.platform.serving.explain({
      view: all.view.name,
      feature,
      entity: entitiesOf(all)[0] as EntityKey,
    });
    expect(why.matches, `${JSON.stringify(why.value)} and ${JSON.stringify(why.recomputed)}`).toBe(
      true,
    );
  }
});

test('a training set from the history is right', async () => {
  const all =
    drawn.all.find(({ view }) =>
      Object.values(view.features).some(({ aggregation }) => aggregation === 'count'),
    ) ?? drawn.all[0];
  if (all === undefined) return;
  const { platform } = cache;
  const entities = entitiesOf(all);
  const rows = momentsOf(all, 4).flatMap((at) =>
    entities.map((entity): Row => ({ ...entity, event_timestamp: at })),
  );
  const out = join(tmpdir(), `${uniqueName('rows')}.csv`);
  const name = uniqueName('set');
  const started = await platform.datasets.start(
    { target: { view: all.view.name }, spine: { rows }, out, mode: 'event-time', name },
    caller,
  );
  const status = await finished(platform, started);
  expect(status.error).toBeNull();
  expect(status.rows).toBe(rows.length);
  expect(readFileSync(out, 'utf8').length).toBeGreaterThan(0);
  const onFlink = { spine: { rows }, out: `${out}.flink.csv`, engine: 'flink' } as const;
  const again = await platform.datasets.rerun(name, onFlink, caller);
  // It fails where the bytes differ.
  expect((await finished(platform, again)).error).toBeNull();
});
