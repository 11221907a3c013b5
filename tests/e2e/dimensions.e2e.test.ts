/**
 * A dimension over a whole platform: random rows, nulls, tombstones and snapshots, late and out of
 * order. Online reads, reads of the past, training sets, batches and a replay equal the table that
 * a list of all changes gives, also after a restart.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { col, count, entity, featureView, last, max, source } from 'millrace';
import { expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { Value } from '#domain/values/value.ts';
import {
  caller,
  finished,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';

const DAY = 86_400_000;
const START = Math.floor(Date.now() / DAY) * DAY - 200 * DAY;
const WINDOW = 30 * DAY;
const IDS = [1, 2, 3, 4, 5];

const customer = entity({ name: 'customer', keys: { customer: 'int' } });
const customers = source({
  name: 'customers',
  fields: { id: 'int', at: 'timestamp', gone: 'boolean?', tier: 'string?', score: 'double?' },
  eventTime: 'at',
  partitions: 3,
  dimension: { key: ['id'], deleted: 'gone' },
});
const features = {
  tier: last(col('tier')),
  score: last(col('score')),
  tier_known: last(col('tier'), { nulls: 'skip' }),
  rows: count(),
  best_30d: max(col('score'), { window: '30d', hop: '1d' }),
};
const all = featureView({
  name: 'all_customers',
  entity: customer,
  source: customers,
  join: { customer: 'id' },
  features,
});
const gold = featureView({
  name: 'gold_customers',
  entity: customer,
  source: customers,
  join: { customer: 'id' },
  where: col('tier').eq('gold'),
  features,
});
const NAMES = Object.keys(features);

interface Held {
  readonly tier: string | null;
  readonly score: number | null;
}
interface Change {
  readonly id: number;
  readonly t: number;
  /** null: a tombstone */
  readonly row: Held | null;
}
type Step =
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }
  | { readonly kind: 'snapshot'; readonly t: number; readonly table: ReadonlyMap<number, Held> };

const held: fc.Arbitrary<Held> = fc.record({
  tier: fc.constantFrom('gold', 'gold', 'basic', null),
  score: fc.constantFrom(1.5, 2.5, -3.25, null),
});
const id = fc.constantFrom(...IDS);

/** Changes are later than the newest snapshot, and in no order among themselves. */
const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      {
        weight: 2,
        arbitrary: fc.array(
          fc.record({
            id,
            day: fc.integer({ min: 1, max: 20 }),
            row: fc.option(held, { freq: 3 }),
          }),
          { minLength: 1, maxLength: 8 },
        ),
      },
      {
        weight: 1,
        arbitrary: fc.uniqueArray(fc.tuple(id, held), { selector: ([key]) => key, minLength: 1 }),
      },
    ),
    { minLength: 3, maxLength: 8 },
  )
  .map((drawn) => {
    let from = START;
    return drawn.map((part): Step => {
      const changes = part.filter((one) => 'day' in one);
      if (changes.length > 0)
        return {
          kind: 'changes',
          changes: changes.map(({ id, day, row }) => ({ id, t: from + day * DAY, row })),
        };
      from += 15 * DAY;
      return { kind: 'snapshot', t: from, table: new Map(part as [number, Held][]) };
    });
  });

/** What was published for a key, oldest first. */
const changesOf = (known: readonly Change[], key: number, at: number): readonly Change[] =>
  known
    .map((change, order) => ({ change, order }))
    .filter(({ change }) => change.id === key && change.t <= at)
    .toSorted((a, b) => a.change.t - b.change.t || a.order - b.order)
    .map(({ change }) => change);

const stateOf = (known: readonly Change[], key: number, at: number): Held | null =>
  changesOf(known, key, at).at(-1)?.row ?? null;

const sameHeld = (a: Held | null, b: Held | null): boolean =>
  a?.tier === b?.tier && a?.score === b?.score;

/** What a snapshot publishes. */
const differences = (
  known: readonly Change[],
  { t, table }: Extract<Step, { kind: 'snapshot' }>,
): readonly Change[] =>
  IDS.flatMap((key) => {
    const [before, now] = [stateOf(known, key, t), table.get(key) ?? null];
    return sameHeld(before, now) ? [] : [{ id: key, t, row: now }];
  });

interface Expected {
  readonly values: readonly Value[];
  readonly status: readonly string[];
}

const expected = (
  known: readonly Change[],
  key: number,
  at: number,
  onlyGold: boolean,
): Expected => {
  const takes = (row: Held | null): row is Held =>
    row !== null && (!onlyGold || row.tier === 'gold');
  const mine = changesOf(known, key, at);
  const exists = takes(mine.at(-1)?.row ?? null);
  const rows = exists ? mine.filter(({ row }) => takes(row)) : [];
  const from = Math.floor((at - WINDOW) / DAY) * DAY;
  const scores = rows.flatMap(({ t, row }) => (t >= from && row?.score != null ? [row.score] : []));
  const newest = rows.at(-1)?.row ?? null;
  const values = [
    newest?.tier ?? null,
    newest?.score ?? null,
    rows.findLast(({ row }) => row?.tier != null)?.row?.tier ?? null,
    rows.length,
    scores.length === 0 ? null : Math.max(...scores),
  ];
  return {
    values,
    status: values.map((value) => (!exists ? 'not-found' : value === null ? 'null' : 'present')),
  };
};

const VIEWS = [
  { view: all, onlyGold: false },
  { view: gold, onlyGold: true },
];

const expectReads = async (
  platform: Platform,
  known: readonly Change[],
  at?: number,
): Promise<void> => {
  for (const { view, onlyGold } of VIEWS) {
    const read = await platform.serving.read({
      features: NAMES.map((name) => `${view.name}:${name}`),
      entities: IDS.map((key) => ({ customer: key })),
      ...(at === undefined ? {} : { at }),
    });
    IDS.forEach((key, i) => {
      const { values, status } = expected(known, key, read.at, onlyGold);
      expect({ key, values: read.values[i], status: read.status[i] }).toEqual({
        key,
        values,
        status,
      });
    });
  }
};

const cells = (file: string): readonly (readonly string[])[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
const text = (value: Value): string => (value === null ? '' : String(value));

const expectFiles = async (
  { platform, files }: TestPlatform,
  known: readonly Change[],
  ats: readonly number[],
): Promise<void> => {
  for (const { view, onlyGold } of VIEWS) {
    const rows = ats.flatMap((at) => IDS.map((key) => ({ customer: key, event_timestamp: at })));
    const out = join(files, `${view.name}.csv`);
    const started = await platform.datasets.start(
      { target: { view: view.name }, spine: { rows }, out, overwrite: true, mode: 'event-time' },
      caller,
    );
    expect((await finished(platform, started)).error).toBeNull();
    const [header = [], ...lines] = cells(out);
    rows.forEach(({ customer: key, event_timestamp: at }, i) => {
      const { values } = expected(known, key, at, onlyGold);
      expect(NAMES.map((name) => lines[i]?.[header.indexOf(name)])).toEqual(values.map(text));
    });
    for (const at of [...ats.slice(1, 2), undefined]) {
      const time = at ?? Date.now();
      const there = IDS.filter(
        (key) => expected(known, key, time, onlyGold).status[0] !== 'not-found',
      );
      const scoring = platform.datasets.batch(
        { target: { view: view.name }, out, overwrite: true, ...(at === undefined ? {} : { at }) },
        caller,
      );
      if (there.length === 0) {
        await expect(scoring).rejects.toThrow(/no entity exists/);
        continue;
      }
      await scoring;
      const [columns = [], ...scored] = cells(out);
      expect(scored.map((row) => Number(row[columns.indexOf('customer')])).toSorted()).toEqual(
        there,
      );
      for (const row of scored) {
        const key = Number(row[columns.indexOf('customer')]);
        expect(NAMES.map((name) => row[columns.indexOf(name)])).toEqual(
          expected(known, key, time, onlyGold).values.map(text),
        );
      }
    }
  }
};

const publish = async (platform: Platform, step: Step, known: Change[]): Promise<void> => {
  if (step.kind === 'changes') {
    const events = step.changes.map(({ id, t, row }) =>
      row === null ? { id, at: t, gone: true } : { id, at: t, ...row },
    );
    const { rejected } = await platform.publishing.publish({ source: 'customers', events }, caller);
    expect(rejected).toEqual([]);
    known.push(...step.changes);
    return;
  }
  const rows = [...step.table].map(([key, row]) => ({ id: key, ...row }));
  const take = () =>
    platform.publishing.snapshot(
      {
        source: 'customers',
        time: step.t,
        rows: (async function* () {
          yield rows;
        })(),
      },
      caller,
    );
  const before = new Set(IDS.filter((key) => stateOf(known, key, step.t) !== null));
  const differing = differences(known, step);
  const taken = await take();
  expect(taken).toMatchObject({
    added: differing.filter(({ id, row }) => row !== null && !before.has(id)).length,
    changed: differing.filter(({ id, row }) => row !== null && before.has(id)).length,
    gone: differing.filter(({ row }) => row === null).length,
    unchanged: step.table.size - differing.filter(({ row }) => row !== null).length,
  });
  known.push(...differing);
  expect(await take()).toMatchObject({ added: 0, changed: 0, gone: 0, unchanged: rows.length });
};

test('all answers equal the table that the list of changes gives', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (drawn) => {
      const on = await testPlatform();
      try {
        await on.platform.registry.apply(plain(customer, customers, all, gold), {}, caller);
        const known: Change[] = [];
        for (const step of drawn) {
          await publish(on.platform, step, known);
          await expectReads(on.platform, known);
        }
        const times = known.map(({ t }) => t);
        const ats = [Math.min(...times) - 1, ...times.slice(0, 2), Math.max(...times) + 10 * DAY];
        for (const at of ats) await expectReads(on.platform, known, at);
        await expectFiles(on, known, ats);
        const why = await on.platform.serving.explain({
          view: gold.name,
          feature: 'best_30d',
          entity: { customer: 1 },
        });
        expect(why.matches).toBe(true);

        await on.restart();
        await expectReads(on.platform, known);
        const { id: replay } = await on.platform.replays.start({ view: all.name }, caller);
        await replayFilled(on.platform, replay);
        const { features: compared } = await on.platform.replays.compare(replay);
        expect(compared.filter(({ differing }) => differing > 0)).toEqual([]);
        await on.platform.replays.change(replay, 'promote', {}, caller);
        await expectReads(on.platform, known);
      } finally {
        await on.dispose();
      }
    }),
    { numRuns: Number(process.env.MILLRACE_RUNS ?? 2) },
  );
});
