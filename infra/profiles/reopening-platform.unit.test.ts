import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Access, Areas, Platform } from '#domain/api/platform.ts';
import { processHeap } from '#infra/memory/heap-guard.ts';
import { reopeningPlatform } from './reopening-platform.ts';

const areas = (): Areas =>
  Object.fromEntries(
    [
      ...['publishing', 'serving', 'registry', 'datasets', 'replays', 'audit', 'approvals'],
      ...['erasures', 'keys', 'operations', 'sql', 'tables'],
    ].map((name) => [name, { ready: () => true, degraded: () => [] }]),
  ) as unknown as Areas;

const platformOf = (): Platform => {
  const platform = {
    ...areas(),
    access: () =>
      ({
        platform,
        openMetrics: false,
        authenticationRequired: () => true,
        refused() {},
        async close() {},
      }) as unknown as Access,
    requests: { route: () => () => void platform },
    async close() {},
  } as unknown as Platform;
  return platform;
};

test('while it is closed, the platform that was closed can be collected', async () => {
  const made: WeakRef<Platform>[] = [];
  const { platform, closeFor } = await reopeningPlatform({
    warn: () => {},
    open: async () => {
      const one = platformOf();
      made.push(new WeakRef(one));
      return one;
    },
  });
  const access = platform.access({ authentication: 'auto' });
  const meter = platform.requests?.route('http', '/v1/x' as never);
  const { collect } = processHeap();
  let collected = false;
  let answers: readonly unknown[] = [];
  await new Promise<void>((worked) =>
    closeFor(async () => {
      for (let i = 0; i < 50 && !collected; i++) {
        await sleep(2);
        collect();
        collected = made[0]?.deref() === undefined;
      }
      answers = [
        access.authenticationRequired(),
        platform.operations.ready(),
        access.platform.operations.degraded(),
      ];
      worked();
    }),
  );
  expect(collected).toBe(true);
  expect(answers).toEqual([true, false, []]);
  while (!platform.operations.ready()) await sleep(2);
  expect(made).toHaveLength(2);
  expect(meter).toBeDefined();
  await platform.close();
});
