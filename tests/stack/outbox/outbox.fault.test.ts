/**
 * The registry's outbox to Kafka with several gateways. The topic has every commit, each once, and
 * commit n + 1 never comes before commit n, whichever process races or is killed.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { openMysql } from '#infra/mysql/database.ts';
import { mysqlEventStore } from '#infra/mysql/event-store.ts';
import { newCommit } from '#tests/contracts/event-store.contract.ts';
import { readAll, texts } from '#tests/contracts/log.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';

const COMMITS = 240;
const PUBLISHERS = 3;
const KILLS = 4;

const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

interface Publisher {
  readonly ready: Promise<void>;
  /** Kills it a moment after it began to write: within an append, or close to it. */
  readonly killWhileWriting: () => Promise<void>;
}

const publisher = (args: readonly string[]): Publisher => {
  const script = fileURLToPath(new URL('./publisher.ts', import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let problems = '';
  child.stderr.on('data', (data: Buffer) => {
    problems += data.toString();
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const hear = (data: Buffer): void => {
        if (!data.toString().includes(text)) return;
        child.stdout.off('data', hear);
        resolve();
      };
      child.stdout.on('data', hear);
      void gone.then(() => reject(new Error(`the publisher ended by itself: ${problems}`)));
    });
  return {
    ready: says('ready'),
    async killWhileWriting() {
      await says('writes');
      await sleep(Math.random() * 20);
      child.kill('SIGKILL');
      await gone;
      children.delete(child);
    },
  };
};

test('publishers race and are killed while they write: every commit is in the topic, in order, once', async () => {
  const prefix = `${randomUUID().slice(0, 8)}.`;
  const address = await emptyDatabase();
  const database = await openMysql(address);
  const store = mysqlEventStore(database);
  let started = 0;
  const start = async (): Promise<Publisher> => {
    const name = `gateway-${++started}`;
    const one = publisher([addresses().kafka, prefix, JSON.stringify(address), name]);
    await one.ready;
    return one;
  };
  // There is something to copy from the start, and all publishers begin at once.
  for (let i = 0; i < 30; i++) await store.append(newCommit('before', ['E']), i);
  const publishers = await Promise.all(Array.from({ length: PUBLISHERS }, start));

  let committing = true;
  const committed = (async () => {
    for (let i = 0; i < COMMITS || committing; i++) {
      await store.append(newCommit(`stream-${i % 4}`, ['E']), Math.floor(i / 4));
      await sleep(Math.random() * 40);
    }
  })();
  for (let n = 0; n < KILLS; n++) {
    await publishers.shift()?.killWhileWriting();
    publishers.push(await start());
  }
  committing = false;
  await committed;

  const head = await store.head();
  const log = await kafkaLog({ brokers: [addresses().kafka], clientId: 'reader', prefix });
  const found = async (): Promise<readonly (readonly [number, string])[]> =>
    texts(await readAll(log, REGISTRY_TOPIC)).map((text) => [
      Number(text.split(' ')[0]),
      text.split(' ')[1] ?? '',
    ]);
  await expect
    .poll(async () => (await found()).at(-1)?.[0], { timeout: 60_000, interval: 200 })
    .toBe(head);
  const records = await found();
  expect(records.map(([position]) => position)).toEqual(
    Array.from({ length: head }, (_, i) => i + 1),
  );
  expect(await log.producerSequence('registry-outbox', REGISTRY_TOPIC)).toBe(head);
  expect((await log.committed('registry-outbox', REGISTRY_TOPIC))[0]).toBe(head);
  const shares = new Map<string, number>();
  for (const [, name] of records) shares.set(name, (shares.get(name) ?? 0) + 1);
  console.log(
    `${head} commits by ${[...shares].map(([name, count]) => `${name}: ${count}`).join(', ')}; ${KILLS} killed`,
  );
  expect(shares.size).toBeGreaterThan(1);
  await log.close();
  await store.close();
  await database.close();
});
