/**
 * Gateways on one registry: a key that one of them creates or revokes is created or revoked for
 * all, and a quota is shared.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccess } from '#application/authorization/access.ts';
import { createKeys } from '#application/keys.ts';
import { createCommandBus } from '#commands/command-bus.ts';
import type { Access, Platform } from '#domain/api/platform.ts';
import { type MysqlDatabase, openMysql } from '#infra/mysql/database.ts';
import { mysqlEventStore } from '#infra/mysql/event-store.ts';
import { mysqlProducerOwners } from '#infra/mysql/producer-owners.ts';
import { mysqlUsageCounter } from '#infra/mysql/usage-counter.ts';
import { createApprovalIndex } from '#projections/approvals/approval-index.ts';
import { type Catalog, openCatalog } from '#projections/catalog/catalog.ts';
import { createKeyIndex } from '#projections/keys/key-index.ts';
import { emptyDatabase } from '#tests/stack/support/mysql.ts';
import { createFakePlatform } from '#tests/support/fake-platform.ts';

interface Gateway {
  readonly access: Access;
  readonly platform: Platform;
  readonly database: MysqlDatabase;
  readonly catalog: Catalog;
}

const founder = { actor: 'founder' };
let one: Gateway;
let two: Gateway;

beforeAll(async () => {
  const address = await emptyDatabase();
  const open = async (): Promise<Gateway> => {
    const database = await openMysql(address);
    const eventStore = mysqlEventStore(database);
    const keys = createKeyIndex();
    const catalog = await openCatalog(eventStore, [keys.take]);
    const bus = createCommandBus({ eventStore, catalog, now: Date.now, newId: randomUUID });
    const platform: Platform = {
      ...createFakePlatform(),
      keys: createKeys(keys, bus, { orPropose: (run) => run() }),
    };
    const counter = mysqlUsageCounter(database);
    const access = createAccess(
      {
        platform,
        catalog,
        keys,
        approvals: createApprovalIndex(),
        eventStore,
        counter,
        producers: mysqlProducerOwners(database),
        now: Date.now,
        warn: () => {},
      },
      { authentication: 'auto' },
    );
    return { access, platform, database, catalog };
  };
  [one, two] = [await open(), await open()];
});
afterAll(async () => {
  for (const { access, catalog, database } of [one, two]) {
    await access.close();
    catalog.close();
    await database.close();
  }
});

const asked = async ({ access }: Gateway, key: string): Promise<string> => {
  try {
    return (
      (await access.authenticate({ authorization: `Bearer ${key}`, address: '10.0.0.1' })).actor ??
      'anyone'
    );
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test('a key that is created or revoked at one gateway is so at the other', async () => {
  expect(two.access.authenticationRequired()).toBe(false);
  const { id, key } = await one.platform.keys.create({ name: 'ann', grants: ['admin@*'] }, founder);
  expect(await asked(one, key)).toBe('ann');
  await expect.poll(() => two.access.authenticationRequired()).toBe(true);
  await expect.poll(() => asked(two, key)).toBe('ann');
  await one.platform.keys.create({ name: 'bob', grants: ['admin@*'] }, founder);
  await one.platform.keys.revoke(id, {}, founder);
  expect(await asked(one, key)).toBe('MR_UNAUTHENTICATED');
  await expect.poll(() => asked(two, key)).toBe('MR_UNAUTHENTICATED');
});

test('a quota that is used up at one gateway is used up at the other', async () => {
  const limits = { rowsPerDay: 100 };
  const { key } = await one.platform.keys.create(
    { name: 'cid', grants: ['reader@*'], limits },
    founder,
  );
  await expect.poll(() => asked(two, key)).toBe('cid');
  const read = async ({ access }: Gateway, rows: number): Promise<string> => {
    const principal = await access.authenticate({
      authorization: `Bearer ${key}`,
      address: undefined,
    });
    const entities = Array.from({ length: rows }, () => ({ origin: 'ATL' }));
    return access.platform.serving
      .read({ service: 'delay_model', entities }, { actor: 'cid', principal })
      .then(
        () => 'read',
        (error: { code: string }) => error.code,
      );
  };
  expect(await read(two, 1)).toBe('read');
  expect(await read(one, 95)).toBe('read');
  expect(await read(one, 6)).toBe('MR_QUOTA_EXCEEDED');
  // Each gateway settles within a second.
  await expect
    .poll(async () => (await read(two, 1)) === 'MR_QUOTA_EXCEEDED', {
      timeout: 15_000,
      interval: 600,
    })
    .toBe(true);
});

test('refusals of all gateways are in one log', async () => {
  await asked(two, 'no-such-key');
  await expect
    .poll(
      async () =>
        (
          await two.database.rows<{ n: number }>(
            "SELECT count(*) AS n FROM registry_commit WHERE stream = 'address/10.0.0.1'",
          )
        )[0]?.n,
    )
    .toBeGreaterThan(0);
});
