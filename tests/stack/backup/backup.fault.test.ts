/**
 * The promise: a backup of the stack that is made at any instant under load restores the platform
 * as it was at one moment: log, values, audit chain, registry and the positions of producers.
 *
 * At all instants, the log and the registry that would be restored are compared with what was
 * published. At some, the log is written beside the original, and compared record by record. One
 * restore is onto servers that were emptied, by the drill of the guide; its values are compared
 * with the oracle. Kafka has trimmed the topic of one source: its events are in the history only.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import avro from 'avsc';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import { parsePosition } from '#domain/ports/position.ts';
import type { BackupEntry } from '#infra/backup/catalog.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { CopiedRecord } from '#infra/kafka/copy/copied-batch.ts';
import { openBatchWriter } from '#infra/kafka/copy/write-batches.ts';
import { unframe } from '#infra/kafka/framing.ts';
import { type KafkaLog, kafkaLog } from '#infra/kafka/log.ts';
import { claimKey } from '#infra/kafka/producer-claims.ts';
import { PRODUCERS_TOPIC } from '#infra/kafka/topic-config.ts';
import { openMysql } from '#infra/mysql/database.ts';
import { mysqlPlatform } from '#infra/mysql/platform.ts';
import { loadRegistry } from '#infra/mysql/registry-copy.ts';
import { backUpStack } from '#infra/profiles/stack-backup.ts';
import { extentsOf } from '#infra/profiles/stack-history-restore.ts';
import { keptBatches, restoreLog, restoreSchemas } from '#infra/profiles/stack-log-restore.ts';
import { openStackCut, restoreTables, type StackCut } from '#infra/profiles/stack-restore.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { runProcess } from '#tests/support/cli.ts';
import { randomOf } from '#tests/support/clicks.ts';
import { auditOf, finished, plain } from '#tests/support/platform.ts';
import {
  airport,
  airportDelays,
  flights as flightsSource,
} from '../../../examples/flights/features.ts';
import { addresses } from '../support/addresses.ts';
import { emptyDatabase } from '../support/mysql.ts';
import { caller, computed, type StackPlatform, stackPlatform, until } from '../support/platform.ts';
import { takeOverStores } from '../support/take-over-stores.ts';
import { trimTopic } from '../support/trim-topic.ts';
import { runStackDrill } from './drill.ts';
import {
  define,
  PRODUCERS,
  publishNext,
  startWorld,
  totalsOf,
  USERS,
  type World,
  wantedTotals,
} from './world.ts';

const flightDefinitions = plain(airport, flightsSource, airportDelays);

const BACKUPS = 10;
const UNTILS = 40;
/** Of so many, one is written to Kafka again. */
const WRITTEN = 8;
const SEED = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
const random = randomOf(SEED);
const seed = `seed ${SEED}`;
/** What gateways write; the rest is written by Flink. */
const COMPARED = ['raw.clicks', 'registry', PRODUCERS_TOPIC];

const root = mkdtempSync(join(tmpdir(), 'millrace-stack-backup-'));
const backups = join(root, 'backups');
const addressesFile = join(root, 'addresses.json');
const kafka = () => ({ brokers: [addresses().kafka], clientId: 'backup-test' });
/** The drill uses the default database, so all do. */
const servers = () => addresses();
let first: StackPlatform;
let second: StackPlatform;
let world: World;
/** each with what producers had been told before it began */
const made: { readonly entry: BackupEntry; readonly before: readonly [number, number] }[] = [];

const gateway = (projections: boolean): Promise<StackPlatform> =>
  stackPlatform({ addresses: servers(), projections });

const backUp = async (): Promise<BackupEntry> => {
  const before = world.accepted();
  const entry = await backUpStack({ addresses: servers(), to: backups });
  made.push({ entry, before });
  return entry;
};

const recordsOf = async (log: KafkaLog, topic: string): Promise<readonly LogRecord[]> => {
  const records: LogRecord[] = [];
  for (const [partition, end] of (await log.end(topic)).entries())
    for (let from = 0; from < end; ) {
      const page = await log.read(topic, partition, from, 4 * 1024 * 1024);
      if (page.length === 0) break;
      records.push(...page);
      from = (page.at(-1) as LogRecord).offset + 1;
    }
  return records;
};

const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

/**
 * The log of a cut has the first events of each producer, all of them and none twice, as many as
 * the producer will be told.
 * @returns how many
 */
const expectWhole = async ({ log, moment }: StackCut, note: string): Promise<readonly number[]> => {
  const types = new Map(
    moment.schemas.map(({ id, schema }) => [id, avro.Type.forSchema(schema as avro.Schema)]),
  );
  const numbers: number[][] = PRODUCERS.map(() => []);
  const claims = new Map<string, number>();
  const take = (topic: string, { key, value }: CopiedRecord): void => {
    if (topic === PRODUCERS_TOPIC) return void claims.set(String(key), Number(String(value)));
    const { schemaId, value: bytes } = unframe(value);
    const type = types.get(schemaId) as avro.Type;
    const { amount } = type.fromBuffer(Buffer.from(bytes)) as { amount: number };
    numbers[amount % 2]?.push(Math.floor(amount / 2));
  };
  for (const one of log.partitions)
    if (['raw.clicks', PRODUCERS_TOPIC].includes(one.partition.topic))
      for await (const { records } of keptBatches(one))
        for (const record of records) take(one.partition.topic, record);
  const counts = PRODUCERS.map((id) => claims.get(claimKey(id, 'raw.clicks')) ?? 0);
  expect(
    numbers.map((mine) => mine.toSorted((x, y) => x - y)),
    note,
  ).toEqual(counts.map(upTo));
  return counts;
};

let restores = 0;
let originals: ReadonlyMap<string, readonly LogRecord[]> | null = null;

/** Restores the log and the registry beside the original, and compares both. */
const expectRestores = async (cut: StackCut, note: string): Promise<void> => {
  const prefix = `restored${restores++}.`;
  const writer = openBatchWriter(kafka());
  const own = await kafkaLog(kafka());
  const partitions = cut.log.partitions.filter(({ partition }) =>
    COMPARED.includes(partition.topic),
  );
  const ids = await restoreSchemas(
    confluentSchemaRegistry({ url: addresses().registry }),
    cut.moment,
  );
  await restoreLog({ writer, cut: { ...cut.log, partitions }, ingest: [], ids, prefix });
  await writer.close();
  const log = await kafkaLog({ ...kafka(), prefix });
  try {
    for (const topic of COMPARED) {
      originals ??= new Map(
        await Promise.all(COMPARED.map(async (t) => [t, await recordsOf(own, t)] as const)),
      );
      if (topic === PRODUCERS_TOPIC) continue;
      const restored = await recordsOf(log, topic);
      const there = new Set(restored.map(({ partition, offset }) => `${partition}:${offset}`));
      const wanted = (originals.get(topic) ?? []).filter(
        ({ partition, offset, logTime }) =>
          logTime <= cut.log.time && there.has(`${partition}:${offset}`),
      );
      expect(restored, `${note}: ${topic}`).toEqual(wanted);
      if (topic !== 'raw.clicks') continue;
      // Records of the last transaction may be left out: those that were appended by then, but not
      // decided.
      const left = (originals.get(topic) ?? []).filter(({ logTime }) => logTime <= cut.log.time);
      expect(left.length - restored.length, note).toBeLessThanOrEqual(2 * 6);
      const at = Math.floor(random(restores) * cut.log.time);
      for (const time of [at, cut.log.time, cut.log.time - Math.floor(random(restores) * 9_000)])
        expect(await visibleFrom(log, topic, time), `${note}: offsets at ${time}`).toEqual(
          restored.filter(({ logTime }) => logTime > time).length,
        );
    }
    const counts = await Promise.all(PRODUCERS.map((id) => log.producerSequence(id, 'raw.clicks')));
    expect(counts, note).toEqual(await expectWhole(cut, note));
    const published = await log.producerSequence('registry-outbox', 'registry');
    expect(published, note).toBeLessThanOrEqual(cut.registry.commits.length);
  } finally {
    await log.close();
    await own.close();
  }
};

/** How many records a reader from the offsets of a time finds. */
const visibleFrom = async (log: KafkaLog, topic: string, time: number): Promise<number> => {
  const from = await log.offsetsAt(topic, time);
  const records = await recordsOf(log, topic);
  return records.filter(({ partition, offset }) => offset >= (from[partition] ?? 0)).length;
};

const expectRegistry = async (cut: StackCut, note: string): Promise<void> => {
  const chain = await auditOf(first.platform);
  const { commits, audit } = cut.registry;
  expect(
    audit.map(({ record }) => JSON.parse(record)),
    note,
  ).toEqual(chain.slice(0, audit.length));
  expect(commits.length - audit.length, note).toBeLessThanOrEqual(3);
  const earlier = chain.filter(({ time }) => time <= cut.log.time).length;
  expect(Math.abs(commits.length - earlier), note).toBeLessThanOrEqual(1);
};

/** A training set of all users at one time, as lines in a fixed order. */
const dataSetOf = async (platform: Platform, at: number): Promise<readonly string[]> => {
  const out = join(root, `${randomUUID()}.csv`);
  const rows = USERS.map((user) => ({ user, event_timestamp: at }));
  const request = { target: { view: 'totals' }, spine: { rows }, out, mode: 'as-served' } as const;
  const set = await finished(platform, await platform.datasets.start(request, caller));
  expect(set.error).toBeNull();
  return readFileSync(out, 'utf8').split('\n').toSorted();
};

const flights = Array.from({ length: 20 }, (_, i) => ({
  date: new Date(Date.now() - i * 1_000).toISOString(),
  origin: 'ATL',
  destination: 'LAX',
  delay: i,
  distance: 1946,
}));

/** From then on, only the history has the flights, and Kafka what follows them: a marker. */
const trimFlights = async (): Promise<void> => {
  const log = await kafkaLog(kafka());
  const end = ((await recordsOf(log, 'raw.flights')).at(-1)?.offset ?? 0) + 1;
  await until('the job and the history have the flights', async () => {
    const { sources, views } = await first.platform.operations.status();
    const source = sources.find((one) => one.source === 'flights');
    const view = views.find((one) => one.view === 'airport_delays');
    const computedTo = Number(view?.position.split(':')[1] ?? 0);
    return source?.historyPosition === `raw.flights@0:${end}` && computedTo >= end;
  });
  await trimTopic('raw.flights');
  expect((await log.begin('raw.flights'))[0]).toBeGreaterThan(end);
  await log.close();
};

beforeAll(async () => {
  writeFileSync(addressesFile, JSON.stringify(servers()));
  await takeOverStores(servers().mysql.database);
  first = await gateway(true);
  second = await gateway(false);
  await define(first.platform);
  await until('the second gateway knows the source', async () =>
    second.platform.publishing.producerSequence('clicks', PRODUCERS[1]).then(
      () => true,
      () => false,
    ),
  );
  await first.platform.registry.apply(flightDefinitions, {}, caller);
  await first.platform.publishing.publish({ source: 'flights', events: flights }, caller);
  await trimFlights();
  world = startWorld([first.platform, second.platform], SEED);
  for (let instant = 0; instant < BACKUPS; instant++) {
    await sleep(300 + random(instant) * 1_500);
    await backUp();
  }
  await world.stop();
}, 600_000);

afterAll(async () => {
  await world?.stop().catch(() => {});
  await second?.dispose();
  await first?.dispose();
  rmSync(root, { recursive: true, force: true });
});

test(`backups at ${BACKUPS} random instants restore log and registry (${seed})`, {
  timeout: 600_000,
}, async () => {
  for (const [round, { entry, before }] of made.entries()) {
    const note = `${seed}, backup ${round}, ${entry.id}`;
    const cut = await openStackCut(backups, { backup: entry.id });
    const counts = await expectWhole(cut, note);
    if (round % WRITTEN === 0) await expectRestores(cut, note);
    for (const [producer, n] of before.entries())
      expect(counts[producer], `${note}: what was acknowledged`).toBeGreaterThanOrEqual(n);
    expect([cut.log.time, cut.registry.commits.length], note).toEqual([
      entry.logTime,
      entry.registry,
    ]);
    await expectRegistry(cut, note);
  }
});

test(`--until at ${UNTILS} moments cuts all at one moment (${seed})`, {
  timeout: 600_000,
}, async () => {
  const log = await kafkaLog(kafka());
  const records = await recordsOf(log, 'raw.clicks');
  await log.close();
  let hidden = 0;
  const newest = made.at(-1)?.entry.logTime ?? 0;
  const earlier = records.filter(({ logTime }) => logTime < newest);
  for (let round = 0; round < UNTILS; round++) {
    const chance = Math.floor(random(4_000 + round) * earlier.length);
    const picked = earlier[chance] as LogRecord;
    // Often between two records of one transaction.
    const moment =
      round % 4 === 3
        ? {
            topic: 'raw.clicks',
            positions: [{ partition: picked.partition, offset: picked.offset + 1 }],
          }
        : { time: picked.logTime - (round % 2) };
    const note = `${seed}, until ${JSON.stringify(moment)}`;
    const cut = await openStackCut(backups, { until: moment });
    const wanted = 'time' in moment ? moment.time : picked.logTime;
    expect(cut.log.time, note).toBeLessThanOrEqual(wanted);
    expect(cut.log.time, note).toBeGreaterThan(wanted - 50);
    hidden += cut.log.partitions.reduce((sum, one) => sum + one.hidden.size, 0);
    await expectWhole(cut, note);
    if (round % WRITTEN === 0) await expectRestores(cut, note);
    await expectRegistry(cut, note);
  }
  expect(hidden, 'some moments lie within a transaction').toBeGreaterThan(0);
});

test('--until takes the tables of the history back with the log, and no further', {
  timeout: 300_000,
}, async () => {
  const log = await kafkaLog(kafka());
  const records = await recordsOf(log, 'raw.clicks');
  await log.close();
  await until('the history has every click', async () => {
    const { sources } = await first.platform.operations.status();
    const text = sources.find(({ source }) => source === 'clicks')?.historyPosition ?? '';
    const there = new Map(
      parsePosition(text, 'raw.clicks').map(({ partition, offset }) => [partition, offset]),
    );
    return records.every(({ partition, offset }) => offset < (there.get(partition) ?? 0));
  });
  const own = join(root, 'with-tables');
  const entry = await backUpStack({ addresses: servers(), to: own });
  const times = records.map(({ logTime }) => logTime).toSorted((x, y) => x - y);
  const time = times[Math.floor(times.length / 3)] as number;
  const cut = await openStackCut(own, { backup: entry.id, until: { time } });
  const directory = join(root, 'tables');
  const became = (await restoreTables(cut.backups, cut, directory)).map(({ topic }) => topic);
  expect(became).toContain('raw.clicks');
  // Its events are in the history only.
  expect(became).not.toContain('raw.flights');

  const duckDb = await openDuckDb({ memoryLimit: '256MB', threads: 1, spillDirectory: root });
  const reader = historyReader({ files: localFiles(), uri: fileUri(directory) }, duckDb);
  try {
    const inTable: string[] = [];
    for await (const rows of reader.rows('raw.clicks', {}))
      inTable.push(...rows.map((row) => `${row._partition}:${row._offset}`));
    const reached = await reader.endOffsets('raw.clicks');
    const { end = [] } = extentsOf(cut.log).get('raw.clicks') ?? {};
    for (const [partition, offset] of reached.entries())
      expect(offset).toBeLessThanOrEqual(end[partition] ?? 0);
    expect(inTable.sort()).toEqual(
      records
        .filter(({ partition, offset }) => offset < (reached[partition] ?? 0))
        .map(({ partition, offset }) => `${partition}:${offset}`)
        .sort(),
    );
    expect((await reader.snapshot('raw.flights'))?.rows).toBe(flights.length);
  } finally {
    reader.close();
  }
});

test('the registry is loaded as it was, and a further backup adds only what is new', {
  timeout: 300_000,
}, async () => {
  const entry = await backUp();
  const { status, out, err } = await runProcess([
    ...['backup', backups, '--profile', 'stack', '--addresses', addressesFile, '--json'],
  ]);
  expect(status, err).toBe(0);
  const again = JSON.parse(out) as BackupEntry;
  expect(again.newBytes).toBeLessThan(entry.bytes / 4);
  const verified = await runProcess(['backup', 'verify', backups, '--json']);
  expect(verified.status, verified.err).toBe(0);

  const cut = await openStackCut(backups, {});
  const address = await emptyDatabase();
  const database = await openMysql(address);
  await loadRegistry(database, address.database, cut.registry);
  const [head] = await database.rows<{ sequence: number; hash: string }>(
    'SELECT sequence, hash FROM audit_head',
  );
  const chain = await auditOf(first.platform);
  expect(head).toEqual({ sequence: chain.length, hash: chain.at(-1)?.hash });
  await expect(loadRegistry(database, address.database, cut.registry)).rejects.toMatchObject({
    code: 'MR_REFUSED',
  });
  await database.close();
});

test('a topic that is not the recorded one is not copied', { timeout: 120_000 }, async () => {
  const database = await openMysql(servers().mysql);
  const { topicIds } = mysqlPlatform(database);
  const id = (await topicIds.all()).get('raw.clicks') as string;
  try {
    await topicIds.replace('raw.clicks', randomUUID());
    await expect(
      backUpStack({ addresses: servers(), to: join(root, 'refused') }),
    ).rejects.toMatchObject({ code: 'MR_DATA_MIXED', details: { topic: 'raw.clicks' } });
  } finally {
    await topicIds.replace('raw.clicks', id);
    await database.close();
  }
});

test('onto servers that have a platform, nothing is restored', async () => {
  const args = ['restore', backups, '--profile', 'stack', '--addresses', addressesFile];
  const { status, err } = await runProcess(args);
  expect(status).toBe(1);
  expect(err).toContain('MR_REFUSED');
});

test(`the drill restores onto emptied servers: values, data set, audit, registry (${seed})`, {
  timeout: 900_000,
}, async () => {
  const counts = world.accepted();
  const end = world.clickAt(0, counts[0] + 1_000).at;
  const past = world.clickAt(0, Math.floor(counts[0] / 2)).at;
  const known = made[4]?.entry.logTime ?? 0;
  await computed('totals', () => first.platform.operations.status());
  expect(await totalsOf(first.platform, end)).toEqual(wantedTotals(world, counts, end));
  const before = {
    past: await totalsOf(first.platform, past),
    known: await totalsOf(first.platform, end, known),
    audit: await auditOf(first.platform),
    registry: await first.platform.registry.exported(),
    set: await dataSetOf(first.platform, end),
  };
  await second.dispose();
  await first.dispose();

  const { code, out } = await runStackDrill(root);
  expect(code, out).toBe(0);

  first = await gateway(true);
  second = await gateway(false);
  const { platform } = first;
  expect(await totalsOf(platform, end)).toEqual(wantedTotals(world, counts, end));
  expect(await totalsOf(platform, past)).toEqual(before.past);
  expect(await totalsOf(platform, end, known)).toEqual(before.known);
  expect((await auditOf(platform)).slice(0, before.audit.length)).toEqual(before.audit);
  expect(await platform.audit.verify()).toMatchObject({ ok: true });
  await computed('totals', () => platform.operations.status());
  expect(await totalsOf(platform, end), 'from tiles').toEqual(wantedTotals(world, counts, end));
  expect(await dataSetOf(platform, end)).toEqual(before.set);
  for (const producer of [0, 1]) {
    const n = counts[producer] as number;
    expect(
      await platform.publishing.producerSequence('clicks', PRODUCERS[producer] as string),
    ).toBe(n);
    await publishNext(platform, world, producer, n);
  }
  const more = counts.map((n) => n + 6);
  expect(await totalsOf(platform, end, Date.now() + 1_000)).toEqual(wantedTotals(world, more, end));
  expect(readFileSync(join(root, 'restored.txt'), 'utf8')).toMatch(/ATL +20 /);
});
