/** Whether what runs is what the catalog wants: retention waits for it. */
import { entity } from 'millrace';
import { expect, test, vi } from 'vitest';
import { testRegistry } from '#tests/support/registry.ts';
import { followRegistry } from './registry-follower.ts';

const shop = (name: string) => entity({ name, keys: { shop: 'string' } });

test('it is current once a reconciliation has succeeded, and not after one that failed', async () => {
  const { catalog, register } = await testRegistry();
  let outcome: Promise<void> = Promise.reject(new Error('a generation cannot be opened'));
  outcome.catch(() => {});
  const follower = await followRegistry({
    catalog,
    engine: {
      async reconcile(_, answers) {
        await outcome;
        answers();
      },
      generation: () => null,
      onProgress: () => () => {},
    },
    sources: { open: async () => null },
    featureLog: { follow: async () => {} },
    metrics: { featureLogService: () => {} },
    gatherMs: 0,
    shortFillEvents: null,
    warn: () => {},
  });
  expect(follower.isCurrent()).toBe(false);
  const failed = outcome;
  outcome = Promise.resolve();
  await register(shop('a'));
  await follower.settled();
  expect(follower.isCurrent()).toBe(true);

  let open = (): void => {};
  outcome = new Promise((resolve) => {
    open = resolve;
  });
  await register(shop('b'));
  expect(follower.isCurrent(), 'under way').toBe(false);
  open();
  await follower.settled();
  expect(follower.isCurrent()).toBe(true);

  outcome = failed;
  await register(shop('c'));
  await follower.settled();
  expect(follower.isCurrent()).toBe(false);
  outcome = Promise.resolve();
  await vi.waitFor(() => expect(follower.isCurrent(), 'repeated').toBe(true), 10_000);
  follower.stop();
  catalog.close();
});
