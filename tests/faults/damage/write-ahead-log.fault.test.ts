/**
 * A killed process leaves the last transactions in the write-ahead log. If the end of it is damaged
 * or lost, the start is refused, and a repair loses only what came after the damage.
 */
import { cpSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { count, entity, featureView, source } from 'millrace';
import { afterEach, expect, test } from 'vitest';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { repairEmbedded } from '#infra/profiles/embedded-repair.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { at: 'timestamp', shop: 'string' },
  eventTime: 'at',
});
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: sales,
  features: { n: count({}) },
});
const EVENTS = 20;

let on: TestPlatform;
afterEach(() => on.dispose());

/** The directory as a process that was killed now would leave it. */
const killed = (name: string): string => {
  const copy = join(on.files, name);
  // To close a copied lock would release the platform's own.
  const filter = (path: string): boolean => !basename(path).startsWith('lock.');
  cpSync(on.directory, copy, { recursive: true, filter });
  return copy;
};

const countOf = async (dataDirectory: string): Promise<unknown> => {
  const platform = await startEmbedded({ dataDirectory, historyEveryMs: 0, warn: () => {} });
  try {
    const request = { features: ['totals:n'], entities: [{ shop: 'a' }] };
    return (await platform.serving.read(request)).values[0]?.[0];
  } finally {
    await platform.close();
  }
};

test('the end of the write-ahead log, damaged or lost, is noticed', async () => {
  on = await testPlatform();
  const { publishing, registry } = on.platform;
  await registry.apply(plain(shop, sales, totals), {}, caller);
  for (let i = 0; i < EVENTS; i++)
    await publishing.publish({ source: 'sales', events: [{ at: i, shop: 'a' }] }, caller);
  expect(await countOf(killed('whole'))).toBe(EVENTS);
  for (const how of ['flipped', 'truncated'] as const) {
    const directory = killed(how);
    const wal = join(directory, 'millrace.db-wal');
    const bytes = readFileSync(wal);
    if (how === 'truncated') truncateSync(wal, bytes.length - 1);
    else {
      bytes[bytes.length - 100] = (bytes[bytes.length - 100] as number) ^ 1;
      writeFileSync(wal, bytes);
    }
    await expect(countOf(directory), how).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
    const repair = (acceptLoss: boolean) =>
      repairEmbedded({ dataDirectory: directory, acceptLoss });
    await expect(repair(false)).rejects.toMatchObject({ code: 'MR_REFUSED' });
    expect(existsSync(`${wal}.damaged`)).toBe(false);
    expect((await repair(true)).filter(({ lost }) => lost)).toHaveLength(1);
    expect(existsSync(`${wal}.damaged`)).toBe(true);
    expect(await countOf(directory), how).toBe(EVENTS - 1);
  }
});
