/**
 * A nudge moves a topic's end, in every partition, and leaves nothing to read; appends before,
 * beside and after it are whole.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KafkaLog, kafkaLog } from '#infra/kafka/log.ts';
import { addresses } from '#tests/stack/support/addresses.ts';

let log: KafkaLog;
const record = (partition: number, n: number) => ({
  topic: 'quiet',
  partition,
  key: null,
  value: Uint8Array.of(n),
  schemaId: 1,
});

beforeAll(async () => {
  log = await kafkaLog({
    brokers: [addresses().kafka],
    clientId: 'nudge',
    prefix: `${randomUUID().slice(0, 8)}.`,
  });
  await log.createTopic('quiet', { partitions: 2 });
});
afterAll(() => log?.close());

test('ends move on, and there is no record', async () => {
  await log.append({ records: [record(0, 1), record(1, 2)] });
  const before = await log.end('quiet');
  await log.nudge('quiet');
  // A coordinator answers when a commit is decided, and writes its markers then.
  await expect
    .poll(() => log.end('quiet'), { timeout: 10_000 })
    .toEqual(before.map((end) => end + 1));
  for (const partition of [0, 1])
    expect(await log.read('quiet', partition, before[partition] as number, 1_000)).toEqual([]);
});

test('records beside nudges are all there, in order, once', async () => {
  const from = (await log.end('quiet'))[0] as number;
  const appends = Array.from({ length: 20 }, (_, n) => log.append({ records: [record(0, n)] }));
  await Promise.all([
    ...appends,
    log.nudge('quiet'),
    log.nudge('quiet').then(() => log.nudge('quiet')),
  ]);
  const values: number[] = [];
  for (let at = from; ; ) {
    const records = await log.read('quiet', 0, at, 100_000);
    const last = records.at(-1);
    if (last === undefined) break;
    values.push(...records.map(({ value }) => value[0] as number));
    at = last.offset + 1;
  }
  expect(values).toEqual(Array.from({ length: 20 }, (_, n) => n));
});
