/** The promise: after an erasure, present values of others do not count the erased events. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import { verifyErasure } from '#infra/profiles/embedded-erase-verify.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { definitions, ERASED, OTHERS, START, transfers200 } from './transfers.ts';

const now = (): number => START + 200 * 600_000;
const entity = { person: ERASED };

let on: TestPlatform | null = null;
afterEach(async () => {
  await on?.dispose();
  on = null;
});

const started = async (): Promise<TestPlatform> => {
  on = await testPlatform({ now });
  await on.platform.registry.apply(plain(...definitions), {}, caller);
  const { rejected } = await on.platform.publishing.publish(
    { source: 'transfers', events: transfers200 },
    caller,
  );
  expect(rejected).toEqual([]);
  return on;
};

type Key = 'payer' | 'payee' | 'shop';
const expected = (key: Key, value: string) => {
  const left = transfers200.filter(({ payer, payee }) => payer !== ERASED && payee !== ERASED);
  const mine = left.filter((one) => one[key] === value);
  return [mine.length, mine.reduce((total, { amount }) => total + amount, 0)];
};

const expectWithout = async (platform: Platform): Promise<void> => {
  const views = [
    ['paid', 'person', 'payer', OTHERS],
    ['received', 'person', 'payee', OTHERS],
    ['sold', 'shop', 'shop', ['shop-0', 'shop-1']],
  ] as const;
  for (const [view, name, key, values] of views) {
    const features = [`${view}:n`, `${view}:total`];
    const entities = values.map((value) => ({ [name]: value }));
    const read = await platform.serving.read({ features, entities });
    expect([view, read.values]).toEqual([view, values.map((value) => expected(key, value))]);
  }
};

test('values of people and shops that had events with the entity are computed anew', async () => {
  const { directory, platform, restart } = await started();
  await platform.close();
  const options = { dataDirectory: directory, entity, reason: 'r', now };
  const { recomputed, remains } = await eraseEmbedded(options);
  expect(recomputed).toEqual(['paid', 'received', 'sold'].map((view) => ({ view, generation: 2 })));
  expect(remains.filter(({ what }) => what.startsWith('values of other'))).toEqual([]);
  expect((await verifyErasure({ dataDirectory: directory, entity })).traces).toEqual([]);
  expect((await verifyEmbedded({ dataDirectory: directory, deep: true })).damage).toEqual([]);
  // Nothing is left to do, and nothing is done twice.
  expect((await eraseEmbedded(options)).recomputed).toEqual(recomputed);

  const restarted = await restart();
  await expectWithout(restarted);
  const [{ id } = { id: '' }] = await restarted.replays.list();
  await expect(restarted.replays.change(id, 'rollback', {}, caller)).rejects.toMatchObject({
    code: 'MR_REPLAY_STATE',
  });
});

test('a generation that was filled before, and is not live, is named', async () => {
  const { directory, platform } = await started();
  const { id } = await platform.replays.start({ view: 'sold' }, caller);
  await platform.close();
  const { recomputed, remains } = await eraseEmbedded({
    dataDirectory: directory,
    entity,
    reason: 'r',
    now,
  });
  expect(recomputed).toContainEqual({ view: 'sold', generation: 3 });
  expect(remains.filter(({ what }) => what.startsWith('values of other'))).toEqual([
    {
      what: 'values of other entities of the view sold, generation 2',
      why: expect.stringContaining(`millrace replay abandon ${id}`),
    },
  ]);
});

test('an erasure that is killed before or between the replays is finished by the next one', async () => {
  const { directory, platform, restart } = await started();
  await platform.close();
  const child = join(import.meta.dirname, 'erase-until-killed.ts');
  for (const step of ['end', 'values of others: paid', 'values of others: sold']) {
    const args = [child, directory, step, ERASED, String(now())];
    const killed = spawn(process.execPath, args, { stdio: 'inherit' });
    const [, signal] = await once(killed, 'close');
    expect(signal).toBe('SIGKILL');
  }
  const { recomputed } = await eraseEmbedded({
    dataDirectory: directory,
    entity,
    reason: 'r',
    now,
  });
  expect(recomputed.map(({ view }) => view)).toEqual(['paid', 'received', 'sold']);
  await expectWithout(await restart());
});
