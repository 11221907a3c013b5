/**
 * The online stores' contract on Paimon's tables, which Flink's materialize job writes and the
 * lookup server reads.
 */
import { afterAll, beforeAll } from 'vitest';
import { avroCodec } from '#domain/avro/codec.ts';
import { featuresAvroSchema, slotColumns } from '#domain/encoding/features-schema.ts';
import type { PlainUpdate } from '#domain/encoding/pack-updates.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import { ensureMaterialize } from '#infra/flink/ensure-materialize.ts';
import { MATERIALIZE_JOB, paimonTable } from '#infra/flink/sql/names.ts';
import { paimonStore } from '#infra/paimon/durable-store.ts';
import { connectLookup } from '#infra/paimon/lookup-client.ts';
import { AT, onlineStoreContract } from '#tests/contracts/online-store.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { countedTarget } from '#tests/stack/support/counted-view.ts';
import { type EngineOfTest, openEngine } from '#tests/stack/support/flink-jobs.ts';
import { until } from '#tests/stack/support/platform.ts';

let engine: EngineOfTest;
beforeAll(async () => {
  engine = await openEngine();
});
afterAll(async () => {
  await engine.jobs.discard(MATERIALIZE_JOB);
  await engine.log.close();
});

/** As a compute job writes it into features.<view>. */
const recordOf = (plan: ViewPlan, key: string, update: PlainUpdate): object => {
  const hop = plan.hops.findIndex(({ hopMs }) => hopMs === update.hopMs);
  return {
    [`key_${plan.keys[0]?.name}`]: key,
    hop_ms: update.hopMs,
    tile_start: update.tileStart,
    newest_event_time: update.newestEventTime,
    cause_partition: update.cause.partition,
    cause_offset: update.cause.offset,
    version: 1,
    generation: 1,
    watermark: update.newestEventTime,
    ...Object.fromEntries(slotColumns(plan, hop).nums.map(({ name }, i) => [name, update.nums[i]])),
  };
};

onlineStoreContract('Paimon, written by Flink', async () => {
  const target = countedTarget();
  const { plan, generation } = target;
  const topic = featuresTopic(plan.view);
  const { log, schemas, jobs, settings } = engine;
  const store = paimonStore(connectLookup(addresses().lookup), paimonTable);
  return {
    store,
    target,
    async fill(entities) {
      await log.createTopic(topic, { partitions: 1 });
      const schema = featuresAvroSchema(plan);
      const schemaId = await schemas.register(`${topic}-value`, schema);
      const codec = avroCodec(schema);
      const records = entities.flatMap(({ key, updates }) =>
        updates.map((update) => ({
          topic,
          partition: 0,
          // features.<view> is compacted: a record without a key is refused.
          key: `${key}/${update.hopMs}/${update.tileStart}`,
          value: codec.toBuffer(recordOf(plan, key, update)),
          schemaId,
        })),
      );
      await log.append({ records });
      const views = [{ view: plan.view, flushMs: null, generations: [{ generation, plan }] }];
      const nothing = async (): Promise<never[]> => [];
      await ensureMaterialize(
        { log, jobs, settings, ensureHistory: async () => {}, historyEndOffsets: nothing },
        { sources: [], views, featureLogs: [] },
      );
      const keys = entities.map(({ key }) => key);
      await until('the table has all tiles', async () =>
        (await store.read(target, keys, AT)).every(({ found }) => found === 'tiles'),
      );
    },
    empty: null,
    close: () => store.close(),
  };
});
