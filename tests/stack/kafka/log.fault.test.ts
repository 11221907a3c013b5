/**
 * Each append is written completely or not at all, whichever process dies; two gateways that take
 * one producer at once; a broker that goes away.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Log } from '#domain/ports/log.ts';
import { type KafkaLogOptions, kafkaLog } from '#infra/kafka/log.ts';
import { readAll, record, texts } from '#tests/contracts/log.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { cuttable } from './cuttable.ts';
import { appendOf, PLACES } from './numbered-append.ts';

const LANES = 3;

describe('the log over Kafka, when things fail', () => {
  let prefix: string;
  const logs: Log[] = [];
  const open = async (options: Partial<KafkaLogOptions> = {}): Promise<Log> => {
    const log = await kafkaLog({
      brokers: [addresses().kafka],
      clientId: 'fault',
      prefix,
      ...options,
    });
    logs.push(log);
    return log;
  };

  beforeEach(async () => {
    prefix = `${randomUUID().slice(0, 8)}.`;
    const log = await open();
    await log.createTopic('a', { partitions: 2 });
    await log.createTopic('b', { partitions: 1 });
  });
  afterEach(() => Promise.all(logs.splice(0).map((log) => log.close())));

  /** Starts the child, lets it answer `answers` appends, kills it; says what it answered. */
  const appendUntilKilled = (answers: number): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const script = new URL('./append-until-killed.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [script, addresses().kafka, prefix, String(LANES)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      let problems = '';
      child.stderr.on('data', (data: Buffer) => {
        problems += data.toString();
      });
      child.stdout.on('data', (data: Buffer) => {
        out += data.toString();
        if (out.split('\n').length > answers) child.kill('SIGKILL');
      });
      child.on('exit', () => {
        const lines = out.split('\n').slice(0, -1);
        if (lines.length < answers) reject(new Error(`the child ended by itself: ${problems}`));
        else resolve(lines);
      });
    });

  test('kill -9 in the middle of appends: what was answered is there, each append whole or not at all, its position and sequence with it', async () => {
    const answered: string[] = [];
    for (const answers of [40, 41, 57, 64]) answered.push(...(await appendUntilKilled(answers)));
    // the same name: what the dead one left open is settled when the name is taken
    const log = await open({ clientId: 'killed', instance: 'one' });
    await log.append({ records: [record('b', 'after')] });
    const found = await Promise.all(
      PLACES.map(async ([topic, partition]) => texts(await readAll(log, topic, partition))),
    );
    const [first = [], ...others] = found.map((list) =>
      list.filter((text) => text !== 'after').sort(),
    );
    for (const other of others) expect(other).toEqual(first);
    expect(new Set(first).size).toBe(first.length);
    for (const answer of answered) expect(first).toContain(answer.replace(' ', ':'));
    for (let lane = 0; lane < LANES; lane++) {
      const numbers = first.filter((text) => text.startsWith(`${lane}:`)).length;
      expect((await log.committed(`lane${lane}`, 'a'))[0]).toBe(numbers);
      expect(await log.producerSequence(`p${lane}`, 'a')).toBe(numbers * 3);
    }
  });

  test('two logs at once: both appends are there, each in its order', async () => {
    const [one, two] = [await open(), await open()];
    const send = async (log: Log, name: string): Promise<void> => {
      for (let n = 0; n < 30; n++)
        await log.append({ records: [record('a', `${name}${n}`), record('b', `${name}${n}`)] });
    };
    await Promise.all([send(one, 'x'), send(two, 'y')]);
    const reader = await open();
    for (const topic of ['a', 'b']) {
      const all = texts(await readAll(reader, topic));
      for (const name of ['x', 'y'])
        expect(all.filter((text) => text.startsWith(name))).toEqual(
          Array.from({ length: 30 }, (_, n) => `${name}${n}`),
        );
    }
  });

  test('two gateways take the same producer at once: each batch lands once, the others get the answer that it is a duplicate', async () => {
    const gateways = [await open(), await open(), await open()];
    const outcomes: boolean[][] = [];
    for (let n = 0; n < 25; n++) {
      const batch = appendOf(0, n);
      const answers = await Promise.all(gateways.map((log) => log.append(batch)));
      outcomes.push(answers.map((answer) => answer.duplicate));
    }
    for (const answers of outcomes)
      expect(answers.filter((duplicate) => !duplicate)).toHaveLength(1);
    const reader = await open();
    for (const [topic, partition] of PLACES)
      expect(texts(await readAll(reader, topic, partition))).toEqual(
        Array.from({ length: 25 }, (_, n) => `0:${n}`),
      );
    expect(await reader.producerSequence('p0', 'a')).toBe(75);
  });

  test('a broker that goes away: reads and appends say so in bounded time, and go on by themselves when it is back', async () => {
    const wire = await cuttable(addresses().kafka);
    const log = await open({ retryForMs: 1500, route: wire.route });
    await log.append({ records: [record('a', '1')] });
    wire.cut();
    const began = Date.now();
    await expect(log.append({ records: [record('a', '2')] })).rejects.toMatchObject({
      code: 'MR_LOG_UNAVAILABLE',
      status: 503,
    });
    await expect(log.read('a', 0, 0, 1000)).rejects.toMatchObject({ code: 'MR_LOG_UNAVAILABLE' });
    await expect(log.end('a')).rejects.toMatchObject({ code: 'MR_LOG_UNAVAILABLE' });
    expect(Date.now() - began).toBeLessThan(15_000);
    wire.restore();
    await log.append({ records: [record('a', '3')] });
    const got = texts(await readAll(log, 'a'));
    expect(got[0]).toBe('1');
    expect(got.at(-1)).toBe('3');
    wire.close();
  });

  test('a name that a second process takes shuts the first out, which says so', async () => {
    const first = await open({ clientId: 'named', instance: 'same' });
    await first.append({ records: [record('a', '1')] });
    const second = await open({ clientId: 'named', instance: 'same' });
    await second.append({ records: [record('a', '2')] });
    await expect(first.append({ records: [record('a', '3')] })).rejects.toMatchObject({
      code: 'MR_UNAVAILABLE',
    });
    expect(texts(await readAll(second, 'a'))).toEqual(['1', '2']);
  });
});
