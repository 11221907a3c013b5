/**
 * The tables of a view have what the definition computes at the ends of periods: for random views
 * and events, many at exactly an end, out of order and late. They are written while events come, a
 * part at a time, so each row counts what was known when it was written. Of a view with a lateness,
 * rows are never outdated: they have what all events give.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { PERIOD_MS, type RollupPeriod } from '#domain/rollups/rollup-name.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { definitions, rowAt, sentRow } from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { atEnd, sqlRows } from './expected.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 6);
const SEED = Number(process.env.MILLRACE_SEED ?? 20_261_130);
const caller = { actor: 'test' };
const { day: DAY, hour: HOUR } = PERIOD_MS;
const START = Date.UTC(2026, 0, 1);
const NOW = Date.UTC(2027, 0, 1);

interface Scenario {
  readonly all: Definitions;
  readonly events: readonly RawEvent[];
  /** number of events after which rollups are made */
  readonly pauses: readonly number[];
}

/** In time order, or nearly, or not at all; many at whole hours and days. */
const time = fc
  .record({
    unit: fc.constantFrom(DAY, HOUR, HOUR, 600_000),
    at: fc.noBias(fc.integer({ min: 0, max: 5 * DAY })),
    off: fc.constantFrom(0, 0, 0, -1, 1, 137),
  })
  .map(({ unit, at, off }) => START + Math.floor(at / unit) * unit + off);

const scenarios: fc.Arbitrary<Scenario> = fc
  .record({
    all: fc.boolean().chain((lateness) => definitions({ lateness })),
    times: fc.array(time, { minLength: 15, maxLength: 60 }),
    disorder: fc.constantFrom(0, 2, 60),
    pauses: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 2 }),
  })
  .chain(({ all, times, disorder, pauses }) => {
    const ordered = times.toSorted((a, b) => a - b);
    return fc
      .tuple(...ordered.map((t) => fc.tuple(rowAt(t), fc.integer({ min: 0, max: disorder }))))
      .map((drawn) => {
        const rows = drawn
          .map(([row, later], i) => ({ row, place: i + later }))
          .toSorted((a, b) => a.place - b.place);
        const events = rows.map(
          ({ row }, offset): RawEvent => ({
            row,
            eventTime: row.t as number,
            partition: 0,
            offset,
            logTime: NOW,
          }),
        );
        const stops = [...new Set([...pauses, events.length])].filter((n) => n <= events.length);
        return { all, events, pauses: stops.toSorted((a, b) => a - b) };
      });
  });

/** One run of a rollup: what it wrote, and how many events were known. */
interface Written {
  readonly every: RollupPeriod;
  readonly from: number;
  readonly to: number;
  readonly known: number;
}

const endsOf = ({ every, from, to }: Written): readonly number[] => {
  const step = PERIOD_MS[every];
  return Array.from({ length: (to - from) / step }, (_, i) => from + (i + 1) * step);
};

const rollUp = async (
  platform: Platform,
  { all }: Scenario,
  known: number,
): Promise<readonly Written[]> => {
  const written: Written[] = [];
  for (const every of ['day', 'hour'] as const) {
    // Hours of the first two days, so that days are alone at the end.
    const to = every === 'hour' ? { to: START + 2 * DAY } : {};
    const request = { view: all.view.name, every, from: START, ...to };
    try {
      const { from, to: upTo } = await platform.datasets.rollup(request, caller);
      written.push({ every, from, to: upTo, known });
    } catch (error) {
      expect(error).toMatchObject({ code: 'MR_PARAMETER_INVALID' });
    }
  }
  return written;
};

const lateOf = async (platform: Platform, view: string): Promise<ReadonlySet<number>> => {
  const { records } = await platform.operations.late(view, { limit: 1000 });
  return new Set(records.map(({ position }) => Number(position.split(':')[1])));
};

const check = async (scenario: Scenario, directory: string): Promise<number> => {
  const { all, events, pauses } = scenario;
  const { view, source, entity } = all;
  let clock = NOW;
  const platform = await startEmbedded({
    dataDirectory: directory,
    now: () => clock,
    historyEveryMs: 0,
    warn: () => {},
  });
  try {
    await platform.registry.apply([entity, source, view], {}, caller);
    const runs: Written[] = [];
    let sent = 0;
    for (const pause of pauses) {
      const rows = events.slice(sent, pause).map((event) => sentRow(event.row));
      const published = { source: source.name, events: rows };
      const { rejected } = await platform.publishing.publish(published, caller);
      expect(rejected).toEqual([]);
      sent = pause;
      clock += 10;
      runs.push(...(await rollUp(platform, scenario, sent)));
      clock += 10;
    }
    const late = await lateOf(platform, view.name);
    /** by length and end: the number of events known when the period was first there */
    const knownAt = new Map<string, number>();
    for (const run of runs)
      for (const end of endsOf(run)) {
        const key = `${run.every}@${end}`;
        if (!knownAt.has(key)) knownAt.set(key, run.known);
      }
    const keys = events.flatMap((event) => {
      const key = keyValues(all, event.row);
      return key === null ? [] : [key];
    });
    const entities = [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
    const names = Object.keys(entity.keys).map((name) => `key_${name}`);
    const plan = planView(view, source, entity);
    const expectValues = (
      row: Readonly<Record<string, Value>> | undefined,
      key: readonly Value[],
      end: number,
      known: number,
    ): void => {
      const counting = events.filter(({ offset }) => offset < known && !late.has(offset));
      const wanted = atEnd(all, counting, key, end);
      const place = { key, end: new Date(end).toISOString() };
      expect({ ...place, there: row !== undefined }).toEqual({ ...place, there: wanted !== null });
      if (row === undefined || wanted === null) return;
      plan.features.forEach(({ name, type }, f) => {
        const { aggregation } = view.features[name] as { aggregation: string };
        const isLong = type.base === 'long';
        const value = row[name] as Value;
        if (!sameValue(aggregation, isLong, value, wanted.values[f], wanted.scale[f] as number))
          expect({ ...place, name, value }).toEqual({ ...place, name, value: wanted.values[f] });
      });
    };
    const same = (row: Readonly<Record<string, Value>>, key: readonly Value[]): boolean =>
      names.every((name, i) => row[name] === key[i]);

    const daily = await sqlRows(platform, `FROM ${view.name}_daily`);
    const ends = [...knownAt].map(([key, known]) => {
      const [every, end] = key.split('@') as [RollupPeriod, string];
      return { every, end: Number(end), known };
    });
    const days = ends.filter(({ every }) => every === 'day');
    for (const { end, known } of days)
      for (const key of entities)
        expectValues(
          daily.find((row) => row.period_end === end && same(row, key)),
          key,
          end,
          known,
        );
    expect(new Set(daily.map(({ period_end: end }) => end)).size).toBeLessThanOrEqual(days.length);
    expect(new Set(daily.map((row) => `${names.map((n) => row[n])}@${row.period_end}`)).size).toBe(
      daily.length,
    );

    const newest = ends.toSorted((a, b) => b.end - a.end || (a.every === 'day' ? -1 : 1))[0];
    const latest = await sqlRows(platform, `FROM ${view.name}_v1`);
    for (const key of entities)
      if (newest !== undefined)
        expectValues(
          latest.find((row) => same(row, key)),
          key,
          newest.end,
          newest.known,
        );
    expect(latest.every((row) => row.period_end === newest?.end)).toBe(true);

    const history = await sqlRows(platform, `FROM ${view.name}_history`);
    const hours = new Map(ends.flatMap((one) => (one.every === 'hour' ? [[one.end, one]] : [])));
    for (const one of ends) {
      const { end, known } = hours.get(one.end) ?? one;
      for (const key of entities) {
        const found = history.filter(
          (row) =>
            same(row, key) &&
            (row.valid_from as number) <= end &&
            (row.valid_to === null || end < (row.valid_to as number)),
        );
        expect(found.length).toBeLessThanOrEqual(1);
        expectValues(found[0], key, end, known);
      }
    }

    // Nothing changes a final period of a view with a lateness any more.
    if (plan.latenessMs !== null && plan.features.some(({ windowMs }) => windowMs !== null))
      for (const { every, end, known } of ends)
        if (every === 'day' && known < events.length)
          for (const key of entities)
            expectValues(
              daily.find((row) => row.period_end === end && same(row, key)),
              key,
              end,
              events.length,
            );

    // What an online read answers, where no event is at exactly the end.
    const features = Object.keys(view.features).map((name) => `${view.name}:${name}`);
    for (const { end, known } of days.slice(-2)) {
      if (known < events.length || events.some(({ eventTime }) => eventTime === end)) continue;
      for (const key of entities) {
        const row = daily.find((one) => one.period_end === end && same(one, key));
        if (row === undefined) continue;
        const asked = Object.fromEntries(
          Object.keys(entity.keys).map((name, i) => [name, key[i] as string]),
        );
        const read = await platform.serving.read({ features, entities: [asked], at: end });
        const scale = atEnd(all, events, key, end)?.scale ?? [];
        plan.features.forEach(({ name, type }, f) => {
          const { aggregation } = view.features[name] as { aggregation: string };
          const answers = [row[name], read.values[0]?.[f]] as const;
          expect(
            sameValue(aggregation, type.base === 'long', ...answers, scale[f] as number),
            `${name}: ${JSON.stringify(answers)}`,
          ).toBe(true);
        });
      }
    }
    return daily.length;
  } finally {
    await platform.close();
  }
};

test('rollups have the values of the definition at the ends of periods', async () => {
  let rows = 0;
  await fc.assert(
    fc.asyncProperty(scenarios, async (scenario) => {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-rollup-'));
      try {
        rows += await check(scenario, join(directory, 'data'));
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
  expect(rows).toBeGreaterThan(RUNS);
}, 600_000);
