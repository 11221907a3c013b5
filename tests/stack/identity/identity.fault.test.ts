/**
 * The promise: stores of different moments or platforms never make a wrong value on the stack. The
 * start is refused with an error that names what does not fit, or only what depends on it is, and
 * the rest answers as before.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReadResult } from '#domain/api/serving.ts';
import { entity } from '#domain/definitions/index.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { fileAnchor } from '#infra/audit-anchor/file-anchor.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { computeJob } from '#infra/flink/sql/names.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { openCluster } from '#infra/kafka/wire/cluster.ts';
import { type MysqlAddress, openMysql } from '#infra/mysql/database.ts';
import { mysqlPlatform } from '#infra/mysql/platform.ts';
import { ownedDirectories } from '#infra/profiles/stack-identity.ts';
import { repairStack } from '#infra/profiles/stack-repair.ts';
import { stackDirectories } from '#infra/profiles/stack-stores.ts';
import { verifyStack } from '#infra/profiles/stack-verify.ts';
import { markUri } from '#infra/shared/files/platform-mark.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { copyDatabase } from '#tests/stack/support/copy-database.ts';
import { deleteTopic } from '#tests/stack/support/delete-topic.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';
import { numberedSales } from '#tests/stack/support/numbered-sales.ts';
import {
  caller,
  computed,
  type StackPlatform,
  stackAddressesOfTest,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { finished, plain } from '#tests/support/platform.ts';

type Sales = ReturnType<typeof numberedSales>;

const lost = numberedSales();
const kept = numberedSales();
const files = mkdtempSync(join(tmpdir(), 'millrace-identity-'));
const ROUNDS = 4;
/** A busy machine needs minutes to start the first jobs. */
const SLOW_MS = 400_000;
let on: StackPlatform | null = null;
let mysql: MysqlAddress;
let yesterday: MysqlAddress;
let revoked = '';

const start = async (database: MysqlAddress = mysql, options = {}): Promise<StackPlatform> => {
  on = await stackPlatform({
    maintenance: { pollMs: 500 },
    addresses: { ...(await stackAddressesOfTest()), mysql: database },
    ...options,
  });
  return on;
};
const stop = async (): Promise<void> => {
  await on?.dispose();
  on = null;
};
const running = (): StackPlatform => on as StackPlatform;
const platform = () => running().platform;

const publish = async (sales: Sales): Promise<void> => {
  await platform().publishing.publish(sales.round(), caller);
  sales.acknowledged.push(Date.now());
};
const readsAll = (sales: Sales): Promise<void> =>
  until(`all rounds of ${sales.view} are read`, async () => {
    const result: ReadResult = await platform().serving.read(sales.query);
    return sales.judge(result) === sales.acknowledged.length;
  });
const bothAnswer = async (): Promise<void> => {
  for (const sales of [lost, kept]) {
    await computed(sales.view, () => platform().operations.status());
    await readsAll(sales);
  }
};
const refusedStart = async (
  message: string,
  database: MysqlAddress = mysql,
  options = {},
  code = 'MR_DATA_MIXED',
): Promise<void> => {
  const refusal = await start(database, options).then(
    () => null,
    (error: unknown) => error,
  );
  await stop();
  expect(refusal).toMatchObject({ code, message: expect.stringContaining(message) });
};
const repair = async (database: MysqlAddress = mysql) =>
  repairStack({
    addresses: { ...(await stackAddressesOfTest()), mysql: database },
    warn: () => {},
  });

beforeAll(async () => {
  mysql = (await stackAddressesOfTest()).mysql;
  await start();
  await platform().registry.apply(plain(...lost.definitions, ...kept.definitions), {}, caller);
  for (let i = 0; i < ROUNDS; i++) for (const sales of [lost, kept]) await publish(sales);
  await bothAnswer();
}, SLOW_MS);

afterAll(async () => {
  await stop();
  rmSync(files, { recursive: true, force: true });
});

test('a database of yesterday is refused, and takes what it lacks from the topic: a revoked key stays revoked', async () => {
  const anchor = join(files, 'anchor');
  const { id } = await platform().keys.create({ name: 'k', grants: ['reader@*'] }, caller);
  revoked = id;
  await stop();
  yesterday = await copyDatabase(mysql);
  await start(mysql, { auditAnchor: fileAnchor(anchor) });
  await platform().keys.revoke(id, {}, { ...caller, principal: { id: 'p1' } } as never);
  const later = entity({ name: uniqueName('later'), keys: { x: 'string' } });
  await platform().registry.apply(plain(later), {}, caller);
  const head = await platform().audit.head();
  await stop();

  await refusedStart('the database is of an earlier time', yesterday);
  await refusedStart('the database is of an earlier time', yesterday, {
    auditAnchor: fileAnchor(anchor),
  });
  const [done] = await repair(yesterday);
  expect(done).toMatchObject({ done: expect.stringMatching(/^took \d+ commits/), lost: false });
  expect(await repair(yesterday)).toEqual([]);

  // The anchor has the head of before: the chain that follows from the commits is the same.
  await start(yesterday, { auditAnchor: fileAnchor(anchor) });
  const keys = await platform().keys.list();
  expect(keys.find((key) => key.id === id)?.revokedAt).not.toBeNull();
  expect(await platform().audit.verify(head === null ? {} : { head })).toMatchObject({ ok: true });
  await bothAnswer();
  await stop();
  mysql = yesterday;
});

test('a database that was set back and then changed is refused', async () => {
  const forked = await copyDatabase(mysql);
  const connection = await (await import('mysql2/promise')).createConnection(forked);
  const [rows] = await connection.query(
    'SELECT body, position FROM registry_commit ORDER BY position DESC LIMIT 1',
  );
  const [{ body, position }] = rows as [{ body: string; position: number }];
  const changed = JSON.parse(body) as { command: { id: string } };
  changed.command.id = 'another';
  await connection.query('UPDATE registry_commit SET body = ? WHERE position = ?', [
    JSON.stringify(changed),
    position,
  ]);
  await connection.end();
  await refusedStart(`Commit ${position} of the registry's database is another one`, forked);
  await expect(repair(forked)).rejects.toMatchObject({ code: 'MR_DATA_MIXED' });
});

test('a missing database is not an empty platform, and is taken from the topic', async () => {
  const empty = await emptyDatabase();
  await refusedStart('new or empty', empty);
  const done = await repair(empty);
  expect(done.map((one) => one.done).join()).toMatch(/took \d+ commits/);
  mysql = empty;
  await start();
  const keys = await platform().keys.list();
  expect(keys.find((key) => key.id === revoked)?.revokedAt).not.toBeNull();
  await bothAnswer();
  await stop();
});

test('directories of another platform, and directories that lost their mark, are refused', async () => {
  for (const { name, directory } of ownedDirectories(stackDirectories(addresses()))) {
    const uri = markUri(directory);
    const mark = (await directory.files.read(uri)) as Uint8Array;
    await directory.files.write(uri, '00000000-0000-4000-8000-000000000000\n');
    await refusedStart(`The ${name} at ${directory.uri} belongs to another platform`);
    await directory.files.delete(uri);
    await refusedStart(`The ${name} at ${directory.uri} has lost its mark`);
    await directory.files.write(uri, 'x');
    await refusedStart(uri, mysql, {}, 'MR_DATA_DAMAGED');
    await directory.files.write(uri, mark);
  }
});

test('Redis of another platform is ignored, and filled', async () => {
  const redis = new Redis(addresses().redis);
  const mine = await redis.keys(`mr:*:{${kept.view}#1}:*`);
  expect(mine.length).toBeGreaterThan(0);
  for (const key of mine) {
    const foreign = key.replace(/^mr:[^:]+/, 'mr:0123456789ab');
    // As if the other platform had one view more, of the same name.
    await redis.rename(key, foreign);
    if (foreign.includes(':e:')) await redis.set(foreign, Buffer.alloc(200));
  }
  await start();
  await bothAnswer();
  await until(
    'the cache is filled again',
    async () => (await redis.exists(mine[0] as string)) === 1,
  );
  await bothAnswer();
  redis.disconnect();
});

test('a flipped bit in a file that Flink wrote is found by reads and by verify; other sources answer', async () => {
  const root = stackDirectories(addresses()).iceberg;
  const topic = rawTopic(lost.source);
  const noted = async (): Promise<readonly string[]> => {
    const bytes = await root.files.read(`${root.uri}/.checksums/${topic}.json`);
    return bytes === null
      ? []
      : Object.keys((JSON.parse(Buffer.from(bytes).toString()) as { files: object }).files);
  };
  await until('checksums are noted', async () => (await noted()).length > 0);
  expect(await verified(topic)).toEqual([]);
  const [path] = await noted();
  const uri = `${root.uri}/${path}`;
  const bytes = (await root.files.read(uri)) as Uint8Array;
  const flipped = Uint8Array.from(bytes);
  const at = Math.floor(bytes.length / 2);
  flipped[at] = (flipped[at] as number) ^ 4;
  await root.files.write(uri, flipped);
  expect((await verified(topic)).join()).toContain(uri);
  const past = (sales: Sales) =>
    platform().serving.read({ ...sales.query, known: (sales.acknowledged.at(-1) as number) + 1 });
  await expect(past(lost)).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
  expect(kept.judge({ ...(await past(kept)), views: [] })).toBe(kept.acknowledged.length);
  await bothAnswer();
  await root.files.write(uri, bytes);
  expect(await verified(topic)).toEqual([]);
  expect(lost.judge({ ...(await past(lost)), views: [] })).toBe(lost.acknowledged.length);
});

test(
  'a topic that is deleted and created again stops what depends on it, and nothing else',
  async () => {
    const topic = rawTopic(lost.source);
    await deleteTopic(topic);
    const log = await kafkaLog({ brokers: [addresses().kafka], clientId: 'recreates' });
    await log.createTopic(topic, { partitions: 2 });
    const refusal = { code: 'MR_DATA_MIXED', message: expect.stringContaining(topic) };
    const flink = flinkCluster(addresses().flink);

    const expectStopped = async (): Promise<void> => {
      await until('the topic is refused', () =>
        platform().operations.degraded().includes('history-unavailable'),
      );
      await expect(platform().publishing.publish(lost.round(), caller)).rejects.toMatchObject(
        refusal,
      );
      expect(await log.end(topic)).toEqual([0, 0]);
      await until('the view is stalled', async () => {
        const { views } = await platform().operations.status();
        const mine = views.find(({ view }) => view === lost.view);
        return mine?.state === 'stalled' && mine.error?.includes(topic) === true;
      });
      // Its values stay as they were, and say so; what needs the events is refused.
      const now = await platform()
        .serving.read(lost.query)
        .catch((error: unknown) => error);
      if (now instanceof Error) expect(now).toMatchObject(refusal);
      else {
        expect(lost.judge({ ...(now as ReadResult), views: [] })).toBe(lost.acknowledged.length);
        expect((now as ReadResult).degraded).toContain('engine-stalled');
      }
      // Of a time that is surely past for the gateway, whose clock may be behind.
      const past = { ...lost.query, known: Date.now() - 1_000 };
      await expect(platform().serving.read(past)).rejects.toMatchObject(refusal);
      await expect(dataSet(lost)).rejects.toMatchObject(refusal);
      expect((await verified(topic)).join()).toContain('was deleted and created again');
      expect(await verified(rawTopic(kept.source))).toEqual([]);

      await until('only its job is stopped', async () => {
        const jobs = (await flink.jobs()).filter(({ state }) => state === 'RUNNING');
        const runs = (name: string) => jobs.some((job) => job.name === name);
        return (
          !runs(computeJob(lost.view, 1)) &&
          [computeJob(kept.view, 1), 'millrace-archive', 'millrace-materialize'].every(runs)
        );
      });
      await publish(kept);
      await computed(kept.view, () => platform().operations.status());
      await readsAll(kept);
      await dataSet(kept);
    };
    await expectStopped();
    await stop();
    await start();
    await expectStopped();
    await log.close();
    await stop();
  },
  SLOW_MS,
);

test(
  'a log that is older than its history is refused, and found by verify',
  async () => {
    // Made anew and known by its id, the topic is as in Kafka's data of an earlier time.
    const topic = rawTopic(lost.source);
    const cluster = openCluster({ brokers: [addresses().kafka], clientId: 'asks' });
    const [found] = await cluster.describe([topic]);
    await cluster.close();
    const database = await openMysql(mysql);
    await mysqlPlatform(database).topicIds.replace(topic, found?.id ?? '');
    await database.close();

    await start();
    await expect(platform().publishing.publish(lost.round(), caller)).rejects.toMatchObject({
      code: 'MR_DATA_MIXED',
      message: expect.stringMatching(`history of ${topic} reaches offset`),
    });
    expect((await verified(topic)).join()).toContain(`history of ${topic} reaches offset`);
    await readsAll(kept);
    await stop();
  },
  SLOW_MS,
);

test('a registry topic that is created again is refused, and written again', async () => {
  await deleteTopic('registry');
  await refusedStart('The topic registry was deleted');
  const [done] = await repair();
  expect(done?.done).toMatch(/^wrote \d+ commits/);
  expect(await repair()).toEqual([]);
  await start();
  await readsAll(kept);
  await stop();
  await refusedStart('new or empty', await emptyDatabase());
});

/** What `millrace stack verify` says about a topic. */
const verified = async (topic: string): Promise<readonly string[]> => {
  const { damage } = await verifyStack({
    addresses: { ...(await stackAddressesOfTest()), mysql },
    deep: true,
  });
  return damage.filter(({ what }) => what.includes(topic)).map(({ why }) => why);
};

/** A data set of the view's entities, now. */
const dataSet = async (sales: Sales): Promise<void> => {
  const rows = sales.query.entities.map((key) => ({ ...key, event_timestamp: Date.now() }));
  const out = join(files, `${uniqueName('set')}.parquet`);
  const request = {
    target: { view: sales.view },
    spine: { rows },
    out,
    mode: 'event-time',
  } as const;
  const { error } = await finished(platform(), await platform().datasets.start(request, caller));
  if (error !== null) throw error;
};
