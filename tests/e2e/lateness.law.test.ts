/**
 * An event is decided once: late, or not. However often a view is computed again, because its log
 * was trimmed and its saved state is lost, and whatever is read or published meanwhile, the same
 * events are late, and they count in no read. The oracle decides in the order of publication.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { col, count, entity, featureView, source, sum } from 'millrace';
import { expect, test } from 'vitest';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { caller, caughtUp, plain, testPlatform } from '#tests/support/platform.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 2);
const HOUR = 3_600_000;
const T = Date.parse('2026-03-10T12:30:00Z');
const SHOPS = ['a', 'b', 'c', 'd', 'e', 'f'];
const LATENESS = HOUR;
const WINDOW = 48 * HOUR;
const EVENTS = 60;

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = (partitions: number) =>
  source({
    name: 'sales',
    fields: { at: 'timestamp', shop: 'string', amount: 'int' },
    eventTime: 'at',
    partitions,
  });
const totals = (from: ReturnType<typeof sales>) =>
  featureView({
    name: 'totals',
    entity: shop,
    source: from,
    where: col('amount').gt(0),
    lateness: '1h',
    features: {
      n: count({ window: '2d', hop: '1h' }),
      amount: sum(col('amount'), { window: '2d', hop: '1h' }),
    },
  });

interface Sale {
  readonly shop: string;
  readonly at: number;
  readonly amount: number;
}
type Step = 'publish' | 'trim' | 'restart' | 'lose states' | 'lose states twice';

const sale = (
  i: number,
  { before, ...rest }: { before: number; shop: string; amount: number },
) => ({
  ...rest,
  // They rise, so that it matters in which order events are decided. They are distinct, so that a
  // late event is known by its time.
  at: T - (EVENTS - i + before) * 1_200_000 + i,
});
const drawn = fc.record({
  partitions: fc.constantFrom(2, 3),
  /** events before the view was made: none of them is late */
  past: fc.integer({ min: 0, max: 10 }),
  sales: fc
    .array(
      fc.record({
        shop: fc.constantFrom(...SHOPS),
        before: fc.integer({ min: 0, max: 12 }),
        amount: fc.constantFrom(0, 1, 2, 3),
      }),
      { minLength: EVENTS, maxLength: EVENTS },
    )
    .map((all): readonly Sale[] => all.map((one, i) => sale(i, one))),
  /** ms between two events; 0: in one millisecond, so log times do not say the order */
  tick: fc.constantFrom(0, 0, 1),
  steps: fc.array(
    fc.constantFrom<Step>('publish', 'trim', 'restart', 'lose states', 'lose states twice'),
    { minLength: 2, maxLength: 5 },
  ),
});

/** What the platform must answer. */
const createOracle = () => {
  const accepted: { readonly event: Sale; readonly late: boolean }[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  return {
    accept(event: Sale, isPast: boolean): void {
      const closes = (Math.floor(event.at / HOUR) + 1) * HOUR + LATENESS;
      const late = event.amount > 0 && !isPast && closes < watermark;
      if (event.amount > 0 && !late) watermark = Math.max(watermark, event.at);
      accepted.push({ event, late });
    },
    size: () => accepted.length,
    late: () => accepted.filter(({ late }) => late).map(({ event }) => event.at),
    /** @param known how many events were accepted by then */
    valuesOf(of: string, at: number, known: number) {
      const from = Math.floor((at - WINDOW) / HOUR) * HOUR;
      const counted = accepted
        .slice(0, known)
        .filter(({ late }) => !late)
        .map(({ event }) => event)
        .filter((one) => one.shop === of && one.amount > 0 && one.at >= from && one.at <= at);
      const total = counted.reduce((all, { amount }) => all + amount, 0);
      return [counted.length, counted.length === 0 ? null : total];
    },
  };
};

let foldedReads = 0;
let lateEvents = 0;

const check = async (scenario: typeof drawn extends fc.Arbitrary<infer D> ? D : never) => {
  let clock = T;
  let parts: EmbeddedParts | null = null;
  const on = await testPlatform({
    now: () => clock,
    keepLogMs: 0,
    onParts: (opened) => {
      parts = opened;
    },
  });
  const oracle = createOracle();
  const knowns: { readonly time: number; readonly size: number }[] = [];
  let next = 0;
  const publish = async (many: number, isPast = false): Promise<void> => {
    for (const event of scenario.sales.slice(next, next + many)) {
      const { rejected } = await on.platform.publishing.publish(
        { source: 'sales', events: [event] },
        caller,
      );
      expect(rejected).toEqual([]);
      oracle.accept(event, isPast);
      clock += scenario.tick;
    }
    next += many;
  };
  const compare = async (): Promise<void> => {
    const { serving } = on.platform;
    const read = async (
      times: { at?: number; known?: number },
      size = oracle.size(),
    ): Promise<number> => {
      const features = ['totals:n', 'totals:amount'];
      const entities = SHOPS.map((one) => ({ shop: one }));
      const { values, degraded, at, known } = await serving.read({ features, entities, ...times });
      if (degraded?.includes('history-fold') === true) foldedReads++;
      const wanted = SHOPS.map((one) => oracle.valuesOf(one, at, size));
      expect([times, values]).toEqual([times, wanted]);
      return known;
    };
    const size = oracle.size();
    knowns.push({ time: await read({}), size });
    await read({ at: T - 12 * HOUR });
    for (const { time, size: then } of knowns.slice(-3, -1))
      await read({ at: T, known: time }, then);
    for (const times of [{}, { at: T - 6 * HOUR }]) {
      const of = { view: 'totals', feature: 'n', entity: { shop: 'a' } };
      const why = await serving.explain({ ...of, ...times });
      expect((why as unknown as { matches: boolean }).matches).toBe(true);
    }
    const { records, total } = await on.platform.operations.late('totals', { limit: 1_000 });
    expect(records.map(({ eventTime }) => eventTime).sort()).toEqual([...oracle.late()].sort());
    expect(total).toBe(oracle.late().length);
    // After a restart, a commit is later than the reads before it only by the machine's clock.
    clock += 10;
  };
  const loseStates = async (): Promise<void> => {
    await on.platform.close();
    const states = join(on.directory, 'state');
    for (const name of readdirSync(states)) rmSync(join(states, name));
    await on.restart();
  };
  const act: Readonly<Record<Step, () => Promise<unknown>>> = {
    publish: () => publish(6),
    async trim() {
      // Updates are trimmed up to a saved state, and a state is saved when the platform is closed.
      await on.restart();
      const { history, retention } = parts as unknown as EmbeddedParts;
      clock += 1;
      for (const topic of [rawTopic('sales'), featuresTopic('totals')]) await history.sync(topic);
      await retention.trim();
      await retention.trim();
    },
    restart: () => on.restart(),
    'lose states': loseStates,
    async 'lose states twice'() {
      await loseStates();
      await publish(2);
      await loseStates();
    },
  };
  try {
    const from = sales(scenario.partitions);
    await on.platform.registry.apply(plain(shop, from), {}, caller);
    await publish(scenario.past, true);
    await on.platform.registry.apply(plain(totals(from)), {}, caller);
    await caughtUp(on.platform);
    await publish(20);
    for (const step of [...scenario.steps, 'trim', 'lose states'] as const) {
      await act[step]();
      // Without waiting until it is computed again.
      await publish(2);
      await compare();
    }
    await caughtUp(on.platform);
    await compare();
    lateEvents += oracle.late().length;
  } finally {
    await on.dispose();
  }
};

test('the same events are late, however often a view is computed again', {
  timeout: 300_000,
}, async () => {
  await fc.assert(fc.asyncProperty(drawn, check), { numRuns: RUNS, endOnFailure: true });
  expect(lateEvents).toBeGreaterThan(0);
  expect(foldedReads).toBeGreaterThan(0);
});
