/**
 * A view with more entities than its quota leaves some to the saved state. If more come than can be
 * saved, it stops and says so; no event is lost, and no value is wrong. Entities that no window
 * reaches any more do not count.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count, entity, featureView, source } from 'millrace';
import { expect, test } from 'vitest';
import { type EmbeddedOptions, startEmbedded } from '#infra/profiles/embedded.ts';
import { caller, plain, testPlatform } from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const T = Date.parse('2026-03-10T12:30:00Z');

const user = entity({ name: 'user', keys: { user: 'string' } });
const clicks = source({
  name: 'clicks',
  fields: { user: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const ever = featureView({
  name: 'ever',
  entity: user,
  source: clicks,
  features: { n: count() },
});
const hourly = featureView({
  name: 'hourly',
  entity: user,
  source: clicks,
  features: { n: count({ window: '1h', hop: '5m' }) },
});

const quotas = (all: number, ofEver: number): Partial<EmbeddedOptions> => ({
  entityQuotas: { all, views: { ever: ofEver } },
});

test('at twice its quota a view stops and names the fix; other views and publishing go on', async () => {
  const on = await testPlatform(quotas(1000, 100));
  const { platform } = on;
  let closed = false;
  try {
    await platform.registry.apply(plain(user, clicks, ever, hourly), {}, caller);
    const publish = (from: number, to: number, at: number) =>
      platform.publishing.publish(
        {
          source: 'clicks',
          events: Array.from({ length: to - from }, (_, i) => ({ user: `u${from + i}`, at })),
        },
        caller,
      );
    await publish(0, 100, T);
    expect(platform.operations.degraded()).toEqual([]);
    await publish(99, 203, T + 1);
    expect(platform.operations.degraded()).toContain('engine-stalled');
    const status = await platform.operations.status();
    const { state, error } = status.views.find(({ view }) => view === 'ever') ?? {};
    expect(state).toBe('stalled');
    expect(error).toMatch(
      /view "ever" has 200 entities in memory, and its quota is 100, and more come than .*: raise/,
    );
    const read = async (p: typeof platform, view: string, name: string) =>
      p.serving.read({ features: [`${view}:n`], entities: [{ user: name }], at: T + 1 });
    const stalled = await read(platform, 'ever', 'u99');
    expect(stalled.values).toEqual([[1]]);
    expect(stalled.degraded).toContain('engine-stalled');
    expect((await read(platform, 'hourly', 'u99')).values).toEqual([[2]]);

    await platform.close();
    closed = true;
    const again = await startEmbedded({
      dataDirectory: on.directory,
      historyEveryMs: 0,
      warn: () => {},
      ...quotas(1000, 200),
    });
    try {
      const lag = async () => (await again.operations.status()).views[0]?.lag;
      while ((await lag()) !== 0) await sleep(5);
      expect(again.operations.degraded()).toEqual([]);
      for (const [name, n] of [
        ['u99', 2],
        ['u202', 1],
        ['u203', 0],
      ] as const)
        expect((await read(again, 'ever', name)).values).toEqual([[n]]);
    } finally {
      await again.close();
    }
  } finally {
    if (!closed) await platform.close();
    await on.dispose().catch(() => {});
  }
});

test('ever-new entities of a view with windows stay below the quota, and all are answered', async () => {
  const on = await testPlatform({ now: () => T + 100 * HOUR, ...quotas(100, 100_000) });
  try {
    let { platform } = on;
    await platform.registry.apply(plain(user, clicks, hourly), {}, caller);
    for (let hour = 0; hour < 20; hour++)
      await platform.publishing.publish(
        {
          source: 'clicks',
          events: Array.from({ length: 30 }, (_, i) => ({
            user: `u${hour * 30 + i}`,
            at: T + hour * HOUR,
          })),
        },
        caller,
      );
    const last = T + 19 * HOUR;
    const answers = async () => {
      const { values, status } = await platform.serving.read({
        features: ['hourly:n'],
        entities: ['u0', 'u299', 'u599', 'nobody'].map((name) => ({ user: name })),
        at: last,
      });
      return values.map((row, i) => [row[0], status[i]?.[0]]);
    };
    const want = [
      [0, 'present'],
      [0, 'present'],
      [1, 'present'],
      [0, 'not-found'],
    ];
    expect(await answers()).toEqual(want);
    const [view] = (await platform.operations.status()).views;
    expect(view).toMatchObject({ view: 'hourly', error: null });
    expect(view?.entities).toBeLessThanOrEqual(100);
    platform = await on.restart();
    expect(await answers()).toEqual(want);
    await expect(
      platform.datasets.batch(
        { target: { view: 'hourly' }, out: `${on.files}/b.csv`, at: T },
        caller,
      ),
    ).rejects.toMatchObject({ code: 'MR_REFUSED' });
  } finally {
    await on.dispose();
  }
});
