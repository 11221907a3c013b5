/** `millrace erase` and `millrace erase verify`, as an operator runs them; a compound key. */
import { createHash, createHmac, generateKeyPairSync, verify } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { col, count, entity, featureView, source, sum } from 'millrace';
import { afterEach, expect, test } from 'vitest';
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import type { EmbeddedOptions } from '#infra/profiles/embedded.ts';
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import { verifyErasure } from '#infra/profiles/embedded-erase-verify.ts';
import { runInProcess } from '#tests/support/cli.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const NOW = Date.UTC(2026, 0, 2);
const buyer = entity({ name: 'buyer', keys: { buyer: 'long', day: 'date' } });
const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const orders = source({
  name: 'orders',
  fields: { at: 'timestamp', who: 'long', on: 'date', shop: 'string', amount: 'double' },
  eventTime: 'at',
});
const spent = featureView({
  name: 'spent',
  entity: buyer,
  source: orders,
  join: { buyer: 'who', day: 'on' },
  features: { total: sum(col('amount')) },
});
const sold = featureView({
  name: 'sold',
  entity: shop,
  source: orders,
  features: { n: count() },
});

let on: TestPlatform | null = null;
afterEach(async () => {
  await on?.dispose();
  on = null;
});

const order = (who: number, day: string, i: number) => ({
  at: NOW - i * 1_000,
  who,
  on: day,
  shop: 'the-corner-shop',
  amount: i,
});

const start = async (options: Partial<EmbeddedOptions> = {}): Promise<TestPlatform> => {
  on = await testPlatform({ now: () => NOW, ...options });
  const { platform } = on;
  await platform.registry.apply(plain(buyer, shop, orders, spent, sold), {}, caller);
  const events = [
    order(7, '2026-01-01', 1),
    order(7, '2026-01-02', 2),
    order(8, '2026-01-01', 4),
    order(7, '2026-01-01', 8),
  ];
  const { rejected } = await platform.publishing.publish({ source: 'orders', events }, caller);
  expect(rejected).toEqual([]);
  return on;
};
const KEY = ['--entity', 'buyer=7', 'day=2026-01-01'];
const run = (...args: string[]) => runInProcess(args, {});

test('it is refused while a server runs, without a reason, and for an unknown entity', async () => {
  const { directory } = await start();
  const data = ['--data', directory];
  const refusals = [
    [['erase', ...KEY, '--reason', 'r', ...data], 'MR_DATA_DIR_LOCKED'],
    [['erase', ...KEY, ...data], 'MR_REASON_REQUIRED'],
    [['erase', 'verify', '--entity', 'buyer=7', ...data], 'MR_ENTITY_INVALID'],
    [['erase', 'verify', '--entity', 'buyer=x', 'day=2026-01-01', ...data], 'MR_ENTITY_INVALID'],
  ] as const;
  for (const [args, code] of refusals) {
    const { status, err } = await run(...args);
    expect([status, err]).toEqual([1, expect.stringContaining(code)]);
  }
  expect((await run('erase', '--reason', 'r', ...data)).status).toBe(2);
});

test('one entity of a compound key goes, others with parts of the key stay', async () => {
  const started = await start();
  const { directory, files } = started;
  const data = ['--data', directory];
  await started.platform.close();
  expect(await run('erase', 'verify', ...KEY, ...data)).toMatchObject({
    status: 1,
    out: expect.stringContaining('the log of raw.orders'),
  });
  const file = join(files, 'certificate.json');
  const secret = join(files, 'secret');
  writeFileSync(secret, 'a secret of 24 characters\n');
  const reason = ['--reason', 'request 77'];
  const signing = ['--certificate', file, '--key-file', secret];
  const erased = await run('erase', ...KEY, ...reason, ...data, ...signing);
  expect(erased).toMatchObject({ status: 0, err: '' });
  expect(erased.out).toContain(
    'values of other entities of the view sold were computed anew: generation 2',
  );
  expect((await run('erase', 'verify', ...KEY, ...data)).status).toBe(0);

  const signed = JSON.parse(readFileSync(file, 'utf8')) as SignedCertificate;
  const text = JSON.stringify(signed.certificate);
  expect(signed.signature).toEqual({
    algorithm: 'HMAC-SHA256',
    value: createHmac('sha256', 'a secret of 24 characters').update(text).digest('base64'),
  });
  const { entity: named, platform, removed } = signed.certificate;
  const key = '7\u001f20454';
  const digest = createHash('sha256')
    .update(JSON.stringify([platform, key]))
    .digest('hex');
  expect(named).toEqual({ definitions: ['buyer'], keyNames: ['buyer', 'day'], digest });
  expect(removed.records).toMatchObject({ 'raw.orders': 2 });

  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(secret, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await run('erase', ...KEY, ...reason, ...data, ...signing);
  const again = JSON.parse(readFileSync(file, 'utf8')) as SignedCertificate;
  const signature = Buffer.from(again.signature?.value ?? '', 'base64');
  const bytes = Buffer.from(JSON.stringify(again.certificate));
  expect(verify(null, bytes, publicKey, signature)).toBe(true);

  const restarted = await started.restart();
  const { values, status } = await restarted.serving.read({
    features: ['spent:total'],
    entities: [
      { buyer: 7, day: '2026-01-01' },
      { buyer: 7, day: '2026-01-02' },
      { buyer: 8, day: '2026-01-01' },
    ],
  });
  expect([values, status[0]]).toEqual([[[null], [2], [4]], ['not-found']]);
  const shops = [{ shop: 'the-corner-shop' }];
  expect((await restarted.serving.read({ features: ['sold:n'], entities: shops })).values).toEqual([
    [2],
  ]);
});

test('what a killed build of a data set has left goes, files and directories', async () => {
  const { directory, platform } = await start();
  await platform.close();
  const dataSets = join(directory, 'datasets');
  const left = '.ds-1.parquet.ds-1.tmp';
  mkdirSync(join(dataSets, `${left}.spill`), { recursive: true });
  mkdirSync(join(dataSets, 'ds-2.csv.spill'));
  writeFileSync(join(dataSets, `${left}.spill`, 'block'), 'shop=the-corner-shop');
  writeFileSync(join(dataSets, left), 'shop=the-corner-shop');
  writeFileSync(join(dataSets, 'ds-3.csv'), 'shop\nanother-shop\n');
  const shopOf = { dataDirectory: directory, entity: { shop: 'the-corner-shop' } };
  const { contained } = await eraseEmbedded({ ...shopOf, reason: 'r', now: () => NOW });
  expect(contained.dataSets).toEqual([]);
  const files = readdirSync(dataSets, { withFileTypes: true }).filter((one) => one.isFile());
  expect(files.map(({ name }) => name)).toEqual(['ds-3.csv']);
  expect(readdirSync(dataSets).filter((name) => /tmp|spill/.test(name))).toEqual([]);
  expect((await verifyErasure(shopOf)).traces).toEqual([]);
});

test('the command signs what a replay commits, with the key of the server', async () => {
  const key = 'k'.repeat(32);
  const { directory, files, platform } = await start({ auditKey: Buffer.from(key) });
  await platform.close();
  const file = join(files, 'audit-key');
  writeFileSync(file, `${key}\n`);
  const args = ['erase', ...KEY, '--reason', 'r'];
  expect(await run(...args, '--data', directory)).toMatchObject({
    status: 1,
    err: expect.stringContaining('--audit-key-file'),
  });
  const url = await run(...args, '--url', 'http://127.0.0.1:1', '--audit-key-file', file);
  expect(url).toMatchObject({ status: 2, err: expect.stringContaining('--audit-key-file needs') });
  const erased = await run(...args, '--data', directory, '--audit-key-file', file);
  expect(erased).toMatchObject({ status: 0, out: expect.stringContaining('computed anew') });
  expect(erased.out).toContain('signed, Ed25519');
  const verified = await (await on?.restart())?.audit.verify();
  expect(verified).toMatchObject({ ok: true, signedFrom: 1 });
});
