/**
 * A compatible revision of a source on the stack: Flink's jobs go on, no value goes back, and what
 * is read online, from the history, in a data set, in a rollup and after a replay equals a
 * brute-force computation over old events and new ones.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import { ingestTopic, rawTopic } from '#domain/ports/topics.ts';
import { rawCodec } from '#domain/sources/raw-codec.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { computeJob } from '#infra/flink/sql/names.ts';
import { type Change, changeOfType } from '#tests/revisions/changes.ts';
import { ENTITIES, revised, viewOf } from '#tests/revisions/revised.ts';
import { addresses } from '../support/addresses.ts';
import {
  caller,
  computed,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '../support/platform.ts';

const HOUR = 3_600_000;

/** A job that computes `v + 1` with longs computes it with doubles in the end. */
const wholes = changeOfType(uniqueName('w'), 'int', 'long', 'double');
const longer = changeOfType(uniqueName('l'), 'int', 'long?');
const reals = changeOfType(uniqueName('r'), 'float', 'double');
const CHANGES = [wholes, longer, reals];

let stack: StackPlatform;
const directory = mkdtempSync(join(tmpdir(), 'millrace-revisions-'));
const sources = revised(
  CHANGES,
  () => stack.platform,
  () => Date.now(),
);

beforeAll(async () => {
  stack = await stackPlatform();
  await sources.register();
  await sources.publish();
}, 600_000);
afterAll(async () => {
  await stack?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const settled = async (): Promise<void> => {
  for (const change of CHANGES) {
    await until(
      `${change.name} is read up to its last event`,
      async () => {
        try {
          await stack.platform.serving.read({
            features: [`${viewOf(change)}:${change.name}_n`],
            entities: ENTITIES,
            after: sources.position(change) as string,
          });
          return true;
        } catch (error) {
          const { code } = error as { code?: string };
          if (code === 'MR_POSITION_NOT_REACHED' || code === 'MR_VIEW_NOT_READY') return false;
          throw error;
        }
      },
      400_000,
    );
    await computed(viewOf(change), () => stack.platform.operations.status());
  }
};

/**
 * view → how many events its first entity had, in each read that a store answered, until `stop` is
 * called. Where no store answers in time, raw events do, and they are ahead of the stores by as
 * much as the computation is behind (docs/guides/consistency.md): such a read may be newer than the
 * next.
 */
const watch = (): { readonly stop: () => Promise<ReadonlyMap<Change, readonly number[]>> } => {
  const counts = new Map<Change, number[]>(CHANGES.map((change) => [change, []]));
  let stopped = false;
  const run = async (): Promise<void> => {
    while (!stopped) {
      for (const change of CHANGES) {
        const { values, degraded } = await stack.platform.serving.read({
          features: [`${viewOf(change)}:${change.name}_n`],
          entities: ENTITIES.slice(0, 1),
        });
        if (degraded?.includes('history-fold') !== true)
          counts.get(change)?.push(values[0]?.[0] as number);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const running = run();
  return {
    async stop() {
      stopped = true;
      await running;
      return counts;
    },
  };
};

/** view → the id of Flink's job that computes it */
const jobs = async (): Promise<ReadonlyMap<string, string | undefined>> => {
  const all = await flinkCluster(addresses().flink).jobs();
  return new Map(
    CHANGES.map(viewOf).map((view) => [
      view,
      all.find(({ name, state }) => name === computeJob(view, 1) && state === 'RUNNING')?.id,
    ]),
  );
};

test('jobs go on, and no value of a store goes back', async () => {
  await settled();
  const before = await jobs();
  const watched = watch();
  for (let i = 0; i < 2; i++) {
    await sources.revise();
    await sources.publish();
  }
  await settled();
  await sources.expectReads('after two revisions');
  for (const [change, counts] of await watched.stop()) {
    expect(counts.length, change.name).toBeGreaterThan(10);
    expect([change.name, counts]).toEqual([change.name, counts.toSorted((a, b) => a - b)]);
  }
  const after = await jobs();
  for (const change of [longer, reals])
    expect([change.name, after.get(viewOf(change))]).toEqual([
      change.name,
      before.get(viewOf(change)),
    ]);
  expect(after.get(viewOf(wholes))).not.toBe(before.get(viewOf(wholes)));
}, 900_000);

test('a producer that writes to Kafka with the schema of before is read', async () => {
  const { name } = longer.before;
  const schemas = confluentSchemaRegistry({ url: addresses().registry });
  const [first] = await schemas.versions(`${rawTopic(name)}-value`);
  const at = Date.now() - HOUR;
  const row = { id: 'a', at, n: -77 };
  const head = Buffer.alloc(5);
  head.writeInt32BE(first?.id as number, 1);
  const kafka = new Kafka({ brokers: [addresses().kafka], logLevel: 0 });
  const producer = kafka.producer();
  await producer.connect();
  const value = Buffer.concat([head, rawCodec(longer.before).encode(row)]);
  await producer.send({ topic: ingestTopic(name), messages: [{ key: 'a', value }] });
  await producer.disconnect();
  sources.add(longer, row);
  await until(
    'the event is computed',
    async () => {
      const { values } = await stack.platform.serving.read({
        features: [
          `${viewOf(longer)}:${longer.name}_least`,
          `${viewOf(longer)}:${longer.name}_newest`,
        ],
        entities: [{ id: 'a' }],
      });
      return values[0]?.[1] === -77;
    },
    60_000,
  );
  await computed(viewOf(longer), () => stack.platform.operations.status());
  await sources.expectReads('after an event of the old schema');
}, 120_000);

test('the history, data sets and explanations have both', async () => {
  const now = Date.now();
  await sources.expectDataSet('event-time', [now - 7 * HOUR, now], directory);
  await sources.expectReads('in the past', { at: now - 7 * HOUR });
  for (const change of CHANGES)
    for (const feature of ['newest', 'top', 'sum_all']) {
      const why = await stack.platform.serving.explain({
        view: viewOf(change),
        feature: `${change.name}_${feature}`,
        entity: ENTITIES[0] as EntityKey,
      });
      expect([change.name, feature, why.matches]).toEqual([change.name, feature, true]);
    }
}, 600_000);

test('another gateway, and a replay', async () => {
  await stack.dispose();
  stack = await stackPlatform();
  await settled();
  await sources.expectReads('of another gateway');
  const { id } = await stack.platform.replays.start({ view: viewOf(wholes) }, caller);
  await until(
    'the replay is ready',
    async () => (await stack.platform.replays.get(id)).state === 'ready',
    400_000,
  );
  const { features } = await stack.platform.replays.compare(id);
  expect(features.filter(({ differing }) => differing > 0)).toEqual([]);
}, 900_000);

test('the reverse change is refused', async () => {
  const reverse = JSON.parse(JSON.stringify(longer.before)) as SourceDefinition;
  await expect(
    stack.platform.registry.apply([reverse], { force: true, reason: 'test' }, caller),
  ).rejects.toMatchObject({ code: 'MR_INCOMPATIBLE_REVISION' });
});
