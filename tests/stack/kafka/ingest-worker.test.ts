/**
 * Producers that write straight to Kafka: valid events are ingested and invalid ones rejected with
 * the reason, each exactly once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createIngestRecords } from '#commands/ingest/ingest-topic.ts';
import { decodeRejectedEvent } from '#domain/events/rejected-event.ts';
import { ingestTopic, rawTopic, rejectedTopic } from '#domain/ports/topics.ts';
import { frame } from '#infra/kafka/framing.ts';
import type { IngestWorker } from '#infra/kafka/ingest-worker.ts';
import { readAll } from '#tests/contracts/log.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { openIngest } from './ingest-worker-process.ts';

const AT = Date.UTC(2024, 0, 1);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type UnderTest = Awaited<ReturnType<typeof openIngest>>;

describe('the ingest topic', () => {
  let prefix: string;
  let under: UnderTest;
  let producer: Producer;
  const workers: IngestWorker[] = [];
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    prefix = `${randomUUID().slice(0, 8)}.`;
    under = await openIngest({ kafka: addresses().kafka, registry: addresses().registry, prefix });
    await under.log.createTopic(ingestTopic('bids'), { partitions: 4 });
    await under.source();
    // a producer without Millrace's client
    producer = new Kafka({ brokers: [addresses().kafka], logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
    await producer.disconnect();
    await under.log.close();
  });

  const write = (
    messages: readonly { key: string; value: Buffer | string; partition?: number }[],
  ): Promise<unknown> =>
    producer.send({ topic: prefix + ingestTopic('bids'), messages: [...messages] });
  const bid = (id: string, more: object = {}): string =>
    JSON.stringify({ id, at: AT, user: 'ann', price: 1.5, ...more });

  const accepted = async (): Promise<string[]> => {
    const { codec } = await under.source();
    const parts = await Promise.all(
      [0, 1].map((partition) => readAll(under.log, rawTopic('bids'), partition)),
    );
    return parts.flat().map(({ value }) => String(codec.decode(value).id));
  };
  const rejected = async () =>
    (await readAll(under.log, rejectedTopic('bids'))).map(({ value }) => {
      const { code, field, message, event, actor } = decodeRejectedEvent(value);
      return { code, field, message, event, actor };
    });
  const until = async (what: string, holds: () => Promise<boolean>, ms = 40_000): Promise<void> => {
    for (const deadline = Date.now() + ms; !(await holds()); await pause(50))
      if (Date.now() > deadline) throw new Error(`it never came to: ${what}`);
  };

  test('JSON and Avro go on to the raw topic; the rest to the rejected topic, each with its reason', async () => {
    const { schemaId, codec } = await under.source();
    const older = await under.schemas.register('another-client', {
      type: 'record',
      name: 'Bid',
      fields: [
        { name: 'id', type: 'string' },
        { name: 'user', type: 'string' },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      ],
    });
    const text = (value: string): Buffer =>
      Buffer.concat([Buffer.from([value.length * 2]), Buffer.from(value)]);
    const zigzag = (n: number): Buffer => {
      const bytes: number[] = [];
      for (let left = BigInt(n) * 2n; ; left >>= 7n) {
        if (left < 128n) return Buffer.from([...bytes, Number(left)]);
        bytes.push(Number(left & 127n) | 128);
      }
    };
    await write(
      [
        bid('json'),
        frame(schemaId, codec.encode({ id: 'avro', at: AT, user: 'bob', price: null })),
        frame(older, Buffer.concat([text('older'), text('eve'), zigzag(AT)])),
        bid('json'),
        '{"id": "cut',
        Buffer.from([0, 0, 0, 0]),
        frame(2_000_000, Buffer.from('x')),
        frame(schemaId, Buffer.from([255])),
        bid('dear', { price: 'a lot' }),
        bid('odd', { colour: 'red' }),
      ].map((value) => ({ key: 'k', value, partition: 0 })),
    );
    const worker = under.work();
    workers.push(worker);
    await until('all were ingested', async () => (await rejected()).length === 6);
    // in the order of the ingest topic; the second "json" is a duplicate
    expect((await accepted()).sort()).toEqual(['avro', 'json', 'older']);
    const reasons = await rejected();
    expect(reasons.map(({ code, field }) => [code, field])).toEqual([
      ['MR_BODY_INVALID', null],
      ['MR_BODY_INVALID', null],
      ['MR_BODY_INVALID', null],
      ['MR_BODY_INVALID', null],
      ['MR_FIELD_TYPE', 'price'],
      ['MR_FIELD_UNKNOWN', 'colour'],
    ]);
    expect(reasons[0]).toMatchObject({ event: '{"id": "cut', actor: 'kafka' });
    expect(reasons[1]?.event).toBe('{"base64":"AAAAAA=="}');
    expect(reasons[2]?.message).toContain('there is no schema 2000000');
    expect(await under.log.committed('millrace.ingest.bids', ingestTopic('bids'))).toEqual([
      10, 0, 0, 0,
    ]);
  });

  test('a worker that lost its partition while it held a batch cannot forward it any more', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `e${n}`);
    await write(ids.map((id) => ({ key: id, value: bid(id), partition: 0 })));
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let held = 0;
    const slowIngest = createIngestRecords(await under.source(), {
      schemas: under.schemas,
      now: Date.now,
    });
    const slow = under.work({
      rebalanceTimeoutMs: 2_000,
      openIngestRecords: async () => async (records) => {
        const ingested = await slowIngest(records);
        held += ingested.records.length;
        await released;
        return ingested;
      },
    });
    workers.push(slow);
    await until('the slow one holds the batch', async () => held === ids.length);
    const other = under.work({ rebalanceTimeoutMs: 2_000 });
    workers.push(other);
    await until('the other has ingested it', async () => (await accepted()).length === ids.length);
    release();
    await pause(2_000);
    expect((await accepted()).sort()).toEqual([...ids].sort());
    await write([{ key: 'last', value: bid('last'), partition: 0 }]);
    await until('work goes on', async () => (await accepted()).includes('last'));
    expect(await accepted()).toHaveLength(ids.length + 1);
  });

  const startChild = async (): Promise<ChildProcess> => {
    const script = new URL('./ingest-worker-process.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, JSON.stringify({ ...addresses(), prefix })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    return child;
  };

  test('kill -9 of one of two workers, another comes, one is frozen and wakes: nothing is lost, nothing is there twice', async () => {
    let sent = 0;
    const send = async (count: number): Promise<void> => {
      const messages = Array.from({ length: count }, () => {
        const n = sent++;
        return {
          key: `k${n}`,
          value: n % 10 === 0 ? `{"broken ${n}` : bid(`e${n}`),
          partition: n % 4,
        };
      });
      await write(messages);
    };
    const [first, second] = [await startChild(), await startChild()];
    await send(200);
    let sending = true;
    const load = (async () => {
      while (sending) {
        await send(40);
        await pause(20);
      }
    })();
    await pause(1500);
    first.kill('SIGKILL');
    await pause(1500);
    const third = await startChild();
    // frozen for longer than its session: its partitions get a new owner while it holds a batch
    second.kill('SIGSTOP');
    await pause(9000);
    second.kill('SIGCONT');
    await pause(1000);
    third.kill('SIGKILL');
    await pause(500);
    sending = false;
    await load;
    workers.push(under.work());
    const broken = Math.ceil(sent / 10);
    await until(
      'all were ingested',
      async () => (await rejected()).length >= broken && (await accepted()).length >= sent - broken,
    );
    await pause(500);
    const numbers = (await accepted()).map((id) => Number(id.slice(1))).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: sent }, (_, n) => n).filter((n) => n % 10 !== 0));
    const whys = (await rejected())
      .map(({ event }) => Number(event.slice('{"broken '.length)))
      .sort((a, b) => a - b);
    expect(whys).toEqual(Array.from({ length: broken }, (_, i) => i * 10));
  }, 120_000);
});
