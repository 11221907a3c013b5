/**
 * The event store on a KurrentDB server, where MILLRACE_KURRENTDB_URL names one. The logic above
 * the client is tested without a server in infra/kurrent.
 */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { kurrentEventStore } from '#infra/kurrent/event-store.ts';
import { kurrentStream } from '#infra/kurrent/kurrent-stream.ts';
import { eventStoreContract, newCommit } from '#tests/contracts/event-store.contract.ts';

const url = process.env.MILLRACE_KURRENTDB_URL ?? '';

if (url === '') {
  const why =
    'KurrentDB: SKIPPED, not run: MILLRACE_KURRENTDB_URL names no server (kurrentdb://localhost:2113?tls=false)';
  process.stderr.write(`${why}\n`);
  // There is no server to run against; the name of the test shows that in the report.
  test.skip(why, () => {});
} else {
  const open = (stream: string) => kurrentEventStore(kurrentStream({ url, stream }));

  eventStoreContract(`KurrentDB at ${url.replace(/\/\/.*@/, '//')}`, async () => {
    const stream = `millrace-test-${randomUUID()}`;
    let store = open(stream);
    return {
      store,
      async reopen() {
        await store.close();
        store = open(stream);
        return store;
      },
      close: () => store.close(),
    };
  });

  test('processes that append at once leave no position out, and each is notified of the others’ commits', async () => {
    const stream = `millrace-test-${randomUUID()}`;
    const stores = Array.from({ length: 3 }, () => open(stream));
    let heard = 0;
    stores[0]?.onCommit(() => heard++);
    await Promise.all(
      stores.map(async (store, s) => {
        for (let i = 0; i < 10; i++) await store.append(newCommit(`stream-${s}`, [`E${i}`]), i);
      }),
    );
    const commits = (await stores[0]?.readAll(0, 100)) ?? [];
    expect(commits.map((c) => c.position)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    await expect.poll(() => heard).toBeGreaterThan(10);
    for (const store of stores) await store.close();
  });
}
