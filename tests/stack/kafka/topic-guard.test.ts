/**
 * A topic that was deleted, deleted and created again, or set back is refused by name, whatever is
 * asked of it; the other topics answer as before.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TopicIds } from '#domain/ports/topic-ids.ts';
import { type KafkaLog, kafkaLog } from '#infra/kafka/log.ts';
import { openTopicGuard, type TopicGuard } from '#infra/kafka/topic-guard.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { deleteTopic } from '#tests/stack/support/delete-topic.ts';

const id = randomUUID().slice(0, 8);
const named = (kind: string): string => `${kind}.guard_${id}`;
const recorded = new Map<string, string>();
const topicIds: TopicIds = {
  all: async () => new Map(recorded),
  async record(topic, found) {
    if (!recorded.has(topic)) recorded.set(topic, found);
    return recorded.get(topic) as string;
  },
  replace: async (topic, found) => void recorded.set(topic, found),
};
const kafka = () => ({ brokers: [addresses().kafka], clientId: 'guarded' });
let warnings: string[] = [];
let guard: TopicGuard;
let log: KafkaLog;
/** without a guard */
let other: KafkaLog;

const start = async (everyMs = 100): Promise<void> => {
  warnings = [];
  const warn = (message: string) => void warnings.push(message);
  guard = await openTopicGuard({ ...kafka(), warn, topicIds, everyMs });
  log = await kafkaLog({ ...kafka(), guard });
};
const stop = async (): Promise<void> => {
  await log.close();
  await guard.close();
};
const restart = async (everyMs?: number): Promise<void> => {
  await stop();
  await start(everyMs);
};
const record = (topic: string) => ({
  topic,
  partition: 0,
  // Compacted topics take no record without a key.
  key: 'k',
  value: Uint8Array.of(1),
  schemaId: 1,
});
const append = (topic: string) => log.append({ records: [record(topic)] });
const made = async (topic: string): Promise<string> => {
  await log.createTopic(topic, { partitions: 1 });
  await append(topic);
  await append(topic);
  await log.end(topic);
  return topic;
};
const recreate = async (topic: string): Promise<void> => {
  await deleteTopic(topic);
  await other.createTopic(topic, { partitions: 1 });
};
const expectRefused = async (topic: string, why: string): Promise<void> => {
  const message = expect.stringContaining(why);
  const wanted = { code: 'MR_DATA_MIXED', message, details: { topic } };
  for (const asked of [
    () => append(topic),
    () => log.end(topic),
    () => log.begin(topic),
    () => log.read(topic, 0, 0, 1_000),
    () => log.offsetsAt(topic, 0),
    () => log.committed('someone', topic),
    () => log.createTopic(topic, { partitions: 1 }),
    () => log.nudge(topic),
    () =>
      log.append({ records: [], positions: [{ consumer: 'c', topic, partition: 0, offset: 0 }] }),
  ])
    await expect(asked()).rejects.toMatchObject(wanted);
};

beforeAll(async () => {
  await start();
  other = await kafkaLog(kafka());
}, 90_000);
afterAll(async () => {
  await stop();
  await other?.close();
});

test('a topic that is deleted and created again is refused, while the process runs and after it', async () => {
  const lost = await made(named('raw'));
  const kept = await made(named('features'));
  await recreate(lost);
  await expect.poll(() => guard.problem(lost), { timeout: 10_000 }).not.toBeNull();
  await guard.check();
  await expectRefused(lost, lost);
  expect((await append(kept)).duplicate).toBe(false);
  await restart();
  await expectRefused(lost, `The topic ${lost} was deleted and created again`);
  expect(warnings.filter((one) => one.includes(lost))).toHaveLength(1);
  await append(kept);
});

test('a topic that is deleted is not made again', async () => {
  const lost = await made(named('late'));
  await stop();
  await deleteTopic(lost);
  await start();
  await expectRefused(lost, `The topic ${lost} was deleted.`);
  expect((await other.topics()).some(({ topic }) => topic === lost)).toBe(false);
});

test('ends that go back are refused by the read that sees them, before ids are compared', async () => {
  await restart(3_600_000);
  const lost = await made(named('served'));
  await recreate(lost);
  await expect(log.end(lost)).rejects.toMatchObject({
    code: 'MR_DATA_MIXED',
    message: expect.stringContaining('went back'),
  });
  await expectRefused(lost, lost);
  await restart();
});

test('topics whose offsets nothing refers to are used again, with a warning', async () => {
  const rejected = await made(named('rejected'));
  const ingest = await made(named('ingest'));
  await recreate(rejected);
  await recreate(ingest);
  await expect.poll(() => guard.problem(ingest), { timeout: 10_000 }).not.toBeNull();
  await append(rejected);
  expect(warnings.join()).toContain(rejected);
  await expectRefused(ingest, 'until the gateways are started again');
  await restart();
  await append(ingest);
  expect(warnings.join()).toContain(ingest);
});

test('numbered appends are refused where the numbers of producers are lost', async () => {
  const topic = await made(named('counted'));
  recorded.set('_millrace.producers', randomUUID());
  await restart();
  await expect(
    log.append({
      records: [record(topic)],
      producer: { id: 'till', topic, sequence: 0, count: 1 },
    }),
  ).rejects.toMatchObject({
    code: 'MR_DATA_MIXED',
    message: expect.stringContaining('_millrace.producers'),
  });
  await append(topic);
});
