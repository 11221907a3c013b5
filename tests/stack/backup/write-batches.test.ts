/** A topic is written with the offsets and log times that its copy has, gaps among them. */
import { expect, test } from 'vitest';
import type { LogRecord } from '#domain/ports/log.ts';
import type { CopiedBatch } from '#infra/kafka/copy/copied-batch.ts';
import { openBatchReader } from '#infra/kafka/copy/read-batches.ts';
import { openBatchWriter } from '#infra/kafka/copy/write-batches.ts';
import { frame } from '#infra/kafka/framing.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { addresses } from '../support/addresses.ts';
import { uniqueName } from '../support/platform.ts';

const START = Date.now() - 3_600_000;

const batch = (time: number, ...offsets: readonly number[]): CopiedBatch => ({
  first: offsets[0] as number,
  next: (offsets.at(-1) as number) + 1,
  time: START + time,
  producer: null,
  isMarker: false,
  records: offsets.map((offset) => ({
    offset,
    key: Buffer.from(`k${offset}`),
    value: frame(7, Buffer.from(`v${offset}`)),
    headers: [[Buffer.from('h'), Buffer.from(String(offset))] as const],
  })),
});

async function* each(...batches: readonly CopiedBatch[]): AsyncGenerator<CopiedBatch> {
  yield* batches;
}

const kafka = () => ({ brokers: [addresses().kafka], clientId: 'write-batches-test' });

test('offsets, log times, a trimmed start and an end after the last record', {
  timeout: 120_000,
}, async () => {
  const topic = `raw.${uniqueName('written')}`;
  const writer = openBatchWriter(kafka());
  await writer.createTopic(topic, 4);
  await expect(writer.createTopic(topic, 4)).rejects.toMatchObject({ code: 'MR_REFUSED' });
  const write = (partition: number, begin: number, end: number, ...of: readonly CopiedBatch[]) =>
    writer.writePartition({ topic, partition, begin, end, batches: each(...of) });
  await write(0, 5, 25_013, batch(0, 6, 7), batch(10, 9, 20), batch(10, 25_000));
  await write(1, 0, 3, batch(5, 0, 1, 2));
  await write(2, 4, 4);
  await write(3, 0, 2, batch(7, 0));
  await writer.finishTopic(topic);
  await writer.close();

  const log = await kafkaLog(kafka());
  expect([await log.begin(topic), await log.end(topic)]).toEqual([
    [5, 0, 4, 0],
    [25_013, 3, 4, 2],
  ]);
  const read: LogRecord[] = [];
  for (let from = 0; from < 25_013; ) {
    const page = await log.read(topic, 0, from, 1_000_000);
    if (page.length === 0) break;
    read.push(...page);
    from = (page.at(-1)?.offset ?? 0) + 1;
  }
  expect(
    read.map(({ offset, logTime, key, value, headers }) => [
      offset,
      logTime - START,
      key,
      Buffer.from(value).toString(),
      headers,
    ]),
  ).toEqual(
    [6, 7, 9, 20, 25_000].map((offset) => [
      offset,
      offset < 9 ? 0 : 10,
      `k${offset}`,
      `v${offset}`,
      { h: String(offset) },
    ]),
  );
  const visible = async (time: number): Promise<readonly number[]> => {
    const from = (await log.offsetsAt(topic, START + time))[0] ?? 0;
    return read.map(({ offset }) => offset).filter((offset) => offset >= from);
  };
  expect(await visible(-1)).toEqual([6, 7, 9, 20, 25_000]);
  expect(await visible(0)).toEqual([9, 20, 25_000]);
  expect(await visible(10)).toEqual([]);

  // From now on, the broker's time counts.
  const before = Date.now();
  const value = Buffer.from('new');
  const appended = await log.append({
    records: [{ topic, partition: 0, key: null, value, schemaId: 7 }],
  });
  expect(appended.logTime).toBeGreaterThanOrEqual(before - 1_000);
  expect(appended.ends[0]?.offset).toBe(25_014);
  await log.close();

  // A copy of the copy is the same.
  const reader = openBatchReader(kafka());
  const copied: CopiedBatch[] = [];
  for await (const one of reader.batches(topic, 0, 5, 25_013)) copied.push(one);
  expect(
    copied.flatMap(({ records, time }) => records.map(({ offset }) => [offset, time - START])),
  ).toEqual([
    [6, 0],
    [7, 0],
    [9, 10],
    [20, 10],
    [25_000, 10],
  ]);
  await reader.close();
});
