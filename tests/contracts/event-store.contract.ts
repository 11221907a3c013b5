/**
 * Every adapter of the event store runs this suite: one test for each promise of
 * domain/ports/event-store.ts.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventStore, NewCommit } from '#domain/ports/event-store.ts';

interface EventStoreUnderTest {
  readonly store: EventStore;
  reopen(): Promise<EventStore>;
  close(): Promise<void>;
}

export const newCommit = (
  stream: string,
  events: readonly string[],
  refusal: NewCommit['refusal'] = null,
): NewCommit => ({
  stream,
  command: {
    id: `c-${events.join('-')}`,
    type: 'DoIt',
    data: { events },
    actor: 'ada',
    reason: null,
    time: 1_000,
  },
  events: events.map((type) => ({ type, data: { type, nested: [1, null, 'ü'] } })),
  refusal,
});

export const eventStoreContract = (
  name: string,
  open: () => Promise<EventStoreUnderTest>,
): void => {
  describe(`event store contract: ${name}`, () => {
    let under: EventStoreUnderTest;
    let store: EventStore;

    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.close());

    test('versions count events, positions count commits, and both survive a restart', async () => {
      const first = await store.append(newCommit('s', ['A', 'B']), 0);
      expect(first).toMatchObject({ position: 1, version: 2, stream: 's' });
      expect(await store.append(newCommit('t', ['C']), 0)).toMatchObject({
        position: 2,
        version: 1,
      });
      expect(await store.append(newCommit('s', ['D']), 2)).toMatchObject({
        position: 3,
        version: 3,
      });
      const again = await under.reopen();
      expect(await again.head()).toBe(3);
      expect(await again.readStream('s')).toEqual({
        version: 3,
        events: [...newCommit('s', ['A', 'B', 'D']).events],
      });
      expect((await again.readAll(0, 10))[0]).toEqual(first);
    });

    test('an unknown stream is empty, at version 0', async () => {
      expect(await store.readStream('none')).toEqual({ version: 0, events: [] });
      expect(await store.head()).toBe(0);
      expect(await store.readAll(0, 10)).toEqual([]);
    });

    test('a wrong expected version is a conflict that names the current version, and stores nothing', async () => {
      await store.append(newCommit('s', ['A', 'B']), 0);
      for (const wrong of [0, 1, 3]) {
        await expect(store.append(newCommit('s', ['X']), wrong)).rejects.toMatchObject({
          code: 'MR_VERSION_CONFLICT',
          details: { currentVersion: 2 },
        });
      }
      expect(await store.head()).toBe(1);
      expect((await store.readStream('s')).version).toBe(2);
    });

    test('of concurrent appends to one version exactly one succeeds', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) => store.append(newCommit('s', [`E${i}`]), 0)),
      );
      const lost = outcomes.filter((o) => o.status === 'rejected');
      expect(lost).toHaveLength(7);
      for (const { reason } of lost as PromiseRejectedResult[])
        expect(reason).toMatchObject({
          code: 'MR_VERSION_CONFLICT',
          details: { currentVersion: 1 },
        });
      expect(await store.head()).toBe(1);
    });

    test('a decision about other streams is valid only until the next commit: on an older head it conflicts and stores nothing', async () => {
      await store.append(newCommit('source', ['A']), 0);
      await store.append(newCommit('view', ['B']), 0, { ifHead: 1 });
      for (const ifHead of [0, 1, 3]) {
        await expect(store.append(newCommit('source', ['X']), 1, { ifHead })).rejects.toMatchObject(
          {
            code: 'MR_VERSION_CONFLICT',
            details: { currentVersion: 1, currentHead: 2, expectedHead: ifHead },
          },
        );
      }
      expect(await store.head()).toBe(2);
      await expect(
        store.append(newCommit('source', ['X']), 0, { ifHead: 2 }),
      ).rejects.toMatchObject({
        code: 'MR_VERSION_CONFLICT',
      });
      expect(await store.append(newCommit('source', ['C']), 1, { ifHead: 2 })).toMatchObject({
        position: 3,
        version: 2,
      });
    });

    test('of concurrent appends to many streams, decided on one head, exactly one succeeds', async () => {
      await store.append(newCommit('s', ['A']), 0);
      const race = Array.from({ length: 8 }, (_, i) =>
        store.append(newCommit(`t${i}`, ['E']), 0, { ifHead: 1 }),
      );
      const outcomes = await Promise.allSettled(race);
      const lost = outcomes.filter((o) => o.status === 'rejected');
      expect(lost).toHaveLength(7);
      for (const { reason } of lost as PromiseRejectedResult[])
        expect(reason).toMatchObject({
          code: 'MR_VERSION_CONFLICT',
          details: { currentVersion: 0, currentHead: 2 },
        });
      expect(await store.head()).toBe(2);
    });

    test('a refusal is a commit without events: it has a position and changes no version', async () => {
      await store.append(newCommit('s', ['A']), 0);
      const refused = await store.append(
        newCommit('s', [], { code: 'MR_REFUSED', message: 'no' }),
        null,
      );
      expect(refused).toMatchObject({
        position: 2,
        version: 1,
        refusal: { code: 'MR_REFUSED', message: 'no' },
      });
      expect(await store.append(newCommit('s', ['B']), 1)).toMatchObject({
        position: 3,
        version: 2,
      });
      expect((await store.readStream('s')).events.map((e) => e.type)).toEqual(['A', 'B']);
    });

    test('concurrent appends to many streams get positions without a gap, and a reader sees them in order', async () => {
      const seen: number[] = [];
      const reading = (async () => {
        while (seen.length < 30) {
          for (const commit of await store.readAll(seen.at(-1) ?? 0, 7)) seen.push(commit.position);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      await Promise.all(
        Array.from({ length: 30 }, (_, i) => store.append(newCommit(`s${i}`, ['E']), 0)),
      );
      await reading;
      expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    });

    test('readAll returns pages', async () => {
      for (let i = 0; i < 5; i++) await store.append(newCommit('s', ['E']), i);
      expect((await store.readAll(1, 2)).map((c) => c.position)).toEqual([2, 3]);
      expect((await store.readAll(4, 2)).map((c) => c.position)).toEqual([5]);
    });

    test('listeners are called after each commit, until they unsubscribe', async () => {
      let woken = 0;
      const leave = store.onCommit(() => woken++);
      await store.append(newCommit('s', ['A']), 0);
      await expect(store.append(newCommit('s', ['A']), 0)).rejects.toThrow();
      expect(woken).toBe(1);
      leave();
      await store.append(newCommit('s', ['B']), 1);
      expect(woken).toBe(1);
    });
  });
};
