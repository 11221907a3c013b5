/**
 * Every online store runs this suite: one test for each promise of domain/ports/online-store.ts.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PlainUpdate, takeIn } from '#domain/encoding/pack-updates.ts';
import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { OnlineStore, TilesAnswer, TilesTarget } from '#domain/ports/online-store.ts';

interface EntityUpdates {
  readonly key: string;
  readonly updates: readonly PlainUpdate[];
}

interface OnlineStoreUnderTest {
  readonly store: OnlineStore;
  readonly target: TilesTarget;
  /** Writes these entities, and marks the store as complete. */
  readonly fill: (entities: readonly EntityUpdates[]) => Promise<void>;
  /** Deletes everything, as a crash without persistence would; null where that cannot happen. */
  readonly empty: (() => Promise<void>) | null;
  readonly close: () => Promise<void>;
}

const HOUR = 3_600_000;
export const AT = Date.UTC(2026, 0, 2);

/** One update of the first hop: a tile with n events. */
export const update = (
  plan: ViewPlan,
  hoursAgo: number,
  n: number,
  offset: number,
): PlainUpdate => {
  const hop = plan.hops[0] as ViewPlan['hops'][number];
  return {
    offset,
    hopMs: hop.hopMs,
    tileStart: Math.floor((AT - hoursAgo * HOUR) / hop.hopMs) * hop.hopMs,
    newestEventTime: AT - hoursAgo * HOUR,
    cause: { partition: 0, offset },
    nums: Float64Array.from({ length: hop.nums }, () => n),
    refs: [],
  };
};

export const entityOf = (plan: ViewPlan, updates: readonly PlainUpdate[]): PackedEntity =>
  takeIn(plan, null, updates, {
    partition: 0,
    offset: updates.length,
    keepFrom: Number.NEGATIVE_INFINITY,
    wholeIfNew: true,
  });

const tilesOf = (answer: TilesAnswer | undefined): readonly (readonly [number, number])[] =>
  answer?.found === 'tiles'
    ? answer.entity.hops.flatMap((hop) =>
        Array.from(hop.tileNo, (no, i) => [no, hop.newest[i] as number] as const),
      )
    : [];

const numsOf = (answer: TilesAnswer | undefined): readonly number[] =>
  answer?.found === 'tiles' ? answer.entity.hops.flatMap((hop) => Array.from(hop.nums)) : [];

export const onlineStoreContract = (
  name: string,
  open: () => Promise<OnlineStoreUnderTest>,
): void => {
  describe(`online store contract: ${name}`, () => {
    let under: OnlineStoreUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.close());

    test('entities that were written are read, each key its own, in the order of the request', async () => {
      const { plan } = under.target;
      const a = [update(plan, 1, 2, 0), update(plan, 3, 5, 1)];
      const b = [update(plan, 2, 7, 2)];
      await under.fill([
        { key: 'a', updates: a },
        { key: 'b', updates: b },
      ]);
      const answers = await under.store.read(under.target, ['b', 'a', 'b'], AT);
      expect(answers.map((answer) => answer.found)).toEqual(['tiles', 'tiles', 'tiles']);
      expect(numsOf(answers[1])).toEqual([5, 2]);
      expect(numsOf(answers[0])).toEqual([7]);
      expect(tilesOf(answers[1])).toEqual(tilesOf({ found: 'tiles', entity: entityOf(plan, a) }));
      expect(tilesOf(answers[0])).toEqual(tilesOf({ found: 'tiles', entity: entityOf(plan, b) }));
      expect(tilesOf(answers[2])).toEqual(tilesOf(answers[0]));
    });

    test('a store that is complete answers `nothing` for an entity without events', async () => {
      const { plan } = under.target;
      await under.fill([{ key: 'a', updates: [update(plan, 1, 1, 0)] }]);
      const [answer] = await under.store.read(under.target, ['stranger'], AT);
      expect(answer).toEqual({ found: 'nothing' });
    });

    test('a store that was never filled answers `unknown`, never `nothing`', async () => {
      const [answer] = await under.store.read(under.target, ['a'], AT);
      expect(answer?.found).toBe('unknown');
    });

    test('a store that lost its data answers `unknown`, never `nothing`', async (context) => {
      if (under.empty === null) return context.skip(`${name} keeps what it has over a crash`);
      const { plan } = under.target;
      await under.fill([{ key: 'a', updates: [update(plan, 1, 1, 0)] }]);
      await under.empty();
      const answers = await under.store.read(under.target, ['a', 'stranger'], AT);
      expect(answers.map((answer) => answer.found)).toEqual(['unknown', 'unknown']);
    });
  });
};
