/**
 * Events imported with known times, before and after live events: reads of the past and `as-served`
 * sets compared with a computation over the list of events, which knows the rule of
 * `domain/sources/knowledge.ts` in two lines.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { col, count, entity, featureService, featureView, last, source, sum } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { PublishResult } from '#domain/api/publishing.ts';
import type { Value } from '#domain/values/value.ts';
import {
  caller,
  finished,
  plain,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2019, 0, 1);
const SHOPS = ['a', 'b'];

let running: TestPlatform;
beforeAll(async () => {
  running = await testPlatform();
});
afterAll(() => running.dispose());

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const salesOf = (name: string, partitions = 1) =>
  source({
    name,
    fields: { shop: 'string', at: 'timestamp', amount: 'int', known_at: 'timestamp?' },
    eventTime: 'at',
    knownTime: 'known_at',
    partitions,
  });
const window = { window: '2d', hop: '1h' } as const;
/** The first view leaves out late events, and closes its tiles; the second does neither. */
const viewsOf = (name: string) => {
  const recent = featureView({
    name: `${name}_recent`,
    entity: shop,
    source: name,
    lateness: '1h',
    features: { n: count(window), newest: last(col('amount'), window) },
  });
  const ever = featureView({
    name: `${name}_ever`,
    entity: shop,
    source: name,
    features: { all: count(), total: sum(col('amount')) },
  });
  const features = [recent.pick('n', 'newest'), ever.pick('all', 'total')];
  return [recent, ever, featureService({ name, features })];
};

interface OldEvent {
  readonly shop: string;
  readonly at: number;
  readonly amount: number;
  readonly known_at: number;
}

interface Accepted {
  readonly shop: string;
  readonly at: number;
  readonly amount: number;
  readonly known: number | null;
  /** a time between the append and the next one */
  readonly by: number;
  readonly late: boolean;
}

/** What was known at `at`, by the rule; in the order of the log. */
const knownAt = (events: readonly Accepted[], firstLive: number, at: number): Accepted[] =>
  events.filter(({ by, known }) => by <= at || (known !== null && at < firstLive && known <= at));

const oracle = (known: readonly Accepted[], name: string, at: number): Values => {
  const happened = known.filter((e) => e.shop === name && e.at <= at);
  const from = Math.floor((at - 2 * DAY) / HOUR) * HOUR;
  const recent = happened.filter((e) => e.at >= from && !e.late);
  const newest = recent.reduce<Accepted | null>(
    (best, e) => (best === null || e.at >= best.at ? e : best),
    null,
  );
  return {
    n: recent.length,
    newest: newest?.amount ?? null,
    all: happened.length,
    total: happened.length === 0 ? null : happened.reduce((all, e) => all + e.amount, 0),
  };
};

type Values = Readonly<Record<string, Value>>;

const read = async (platform: Platform, name: string, at: number, known: number) => {
  const answer = await platform.serving.read({
    service: name,
    entities: SHOPS.map((key) => ({ shop: key })),
    at,
    known,
  });
  return answer.values.map(
    (row): Values =>
      Object.fromEntries(answer.features.map((feature, i) => [feature, row[i] ?? null])),
  );
};

const set = async (
  platform: Platform,
  name: string,
  moments: readonly number[],
  options: { readonly mode: 'as-served' | 'event-time'; readonly known?: number },
): Promise<Values[]> => {
  const rows = moments.flatMap((moment) =>
    SHOPS.map((key) => ({ shop: key, event_timestamp: moment })),
  );
  const out = join(running.files, 'set.csv');
  const started = await platform.datasets.start(
    { target: { service: name }, spine: { rows }, out, overwrite: true, ...options },
    caller,
  );
  expect(await finished(platform, started)).toMatchObject({ state: 'done', error: null });
  const [head, ...lines] = readFileSync(out, 'utf8').trimEnd().split('\n');
  const names = head?.split(',').slice(2) ?? [];
  return lines.map((line) => {
    const texts = line.split(',').slice(2);
    return Object.fromEntries(
      names.map((feature, i) => [feature, texts[i] === '' ? null : Number(texts[i])]),
    );
  });
};

const oldEvents = fc.array(
  fc
    .record({
      shop: fc.constantFrom(...SHOPS),
      at: fc.integer({ min: START, max: START + 10 * DAY }),
      amount: fc.integer({ min: 1, max: 9 }),
      lag: fc.integer({ min: -DAY, max: 6 * DAY }),
    })
    .map(({ lag, ...event }): OldEvent => ({ ...event, known_at: event.at + lag })),
  { minLength: 1, maxLength: 12 },
);

test('reads and as-served sets know what was known, by the rule', async () => {
  const { platform } = running;
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        imports: fc.tuple(oldEvents, oldEvents, oldEvents),
        moments: fc.array(fc.integer({ min: START - DAY, max: START + 18 * DAY }), {
          minLength: 8,
          maxLength: 16,
        }),
        partitions: fc.constantFrom(1, 3),
      }),
      async ({ imports, moments: past, partitions }) => {
        const name = `sales_${run++}`;
        await platform.registry.apply(
          plain(shop, salesOf(name, partitions), ...viewsOf(name)),
          {},
          caller,
        );
        const events: Accepted[] = [];
        const moments = [...past];
        const after = async ({ rejected }: PublishResult): Promise<number> => {
          expect(rejected).toEqual([]);
          await sleep(2);
          const by = Date.now();
          await sleep(2);
          moments.push(by);
          return by;
        };
        const bring = async (old: readonly OldEvent[]): Promise<void> => {
          const request = { source: name, events: old };
          const by = await after(await platform.publishing.importHistory(request, caller));
          for (const { known_at: known, ...event } of old)
            events.push({ ...event, known, by, late: false });
        };
        const live = async (ago: number, late: boolean): Promise<void> => {
          const event = { shop: 'a', at: Date.now() - ago, amount: 7 };
          const request = { source: name, events: [event] };
          const by = await after(await platform.publishing.publish(request, caller));
          events.push({ ...event, known: null, by, late });
        };
        let firstLive = Number.POSITIVE_INFINITY;
        const checkReads = async (): Promise<Values[]> => {
          const expected = moments.flatMap((at) =>
            SHOPS.map((key) => oracle(knownAt(events, firstLive, at), key, at)),
          );
          for (const [i, at] of moments.entries())
            expect(await read(platform, name, at, at)).toEqual(expected.slice(2 * i, 2 * i + 2));
          return expected;
        };
        const check = async (): Promise<void> => {
          const expected = await checkReads();
          expect(await set(platform, name, moments, { mode: 'as-served' })).toEqual(expected);
        };

        await bring(imports[0]);
        await check();
        await bring(imports[1]);
        firstLive = Date.now();
        await live(1000, false);
        await live(30 * HOUR, true);
        await checkReads();
        const answered: unknown[] = [];
        const again = async (): Promise<unknown[]> =>
          Promise.all(
            moments.filter((at) => at >= firstLive).map((at) => read(platform, name, at, at)),
          );
        answered.push(...(await again()));
        const pinned = { mode: 'as-served', known: moments.at(-1) as number } as const;
        const rows = [...moments];
        const reproducible = await set(platform, name, rows, pinned);
        await bring(imports[2]);
        await live(500, false);
        await check();
        expect(await set(platform, name, rows, pinned)).toEqual(reproducible);
        expect((await again()).slice(0, answered.length), 'an import rewrites nothing').toEqual(
          answered,
        );
        const known = past[0] as number;
        expect(await set(platform, name, moments, { mode: 'event-time', known })).toEqual(
          (await Promise.all(moments.map((at) => read(platform, name, at, known)))).flat(),
        );
      },
    ),
    { numRuns: 2, endOnFailure: true },
  );
});
