/**
 * A history says of each moment, and of each time of knowledge, what the newest sample says that
 * was there then: for random samples of two rollups, with gaps, in any order of writing, replaced
 * or not, compared with a search through all samples.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RolledUp } from '#domain/ports/sql-engine.ts';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { rollupRows } from './rollup-rows.ts';

/** Times are small numbers, as milliseconds. */
interface Sample {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly value: number | null;
  readonly written: number;
  readonly replaced: number | null;
  readonly shorter: boolean;
}

const LONG = 3;
const ENDS = 13;
const KEYS = ['a', 'b'];

const cell = fc.record({
  value: fc.constantFrom(null, 1, 2),
  written: fc.integer({ min: 0, max: 9 }),
  /** what was written before it, and replaced by it */
  before: fc.option(fc.constantFrom(null, 1, 2, 3), { nil: undefined, freq: 2 }),
  there: fc.constantFrom(true, true, true, false),
});

/** Per length of periods: which ends were rolled up, and what each key has there. */
const rollup = (length: number) =>
  fc.array(fc.record({ there: fc.boolean(), cells: fc.tuple(cell, cell) }), {
    minLength: Math.floor(ENDS / length),
    maxLength: Math.floor(ENDS / length),
  });

const samples = fc.tuple(rollup(1), rollup(LONG)).map(([short, long]): readonly Sample[] =>
  [short, long].flatMap((periods, i) =>
    periods.flatMap(({ there, cells }, p) => {
      if (!there) return [];
      const length = i === 0 ? 1 : LONG;
      const period = { start: p * length, end: (p + 1) * length, shorter: i === 0 };
      return cells.flatMap(({ value, written, before, there: has }, k): Sample[] => {
        const of = { key: KEYS[k] as string, ...period };
        if (!has) return [];
        const now = { ...of, value, written, replaced: null };
        return before === undefined || before === value
          ? [now]
          : [{ ...of, value: before, written: written - 3, replaced: written }, now];
      });
    }),
  ),
);

const instant = (time: number | null): string =>
  time === null ? 'NULL::TIMESTAMPTZ' : `make_timestamptz(${time * 1000}::BIGINT)`;

const relation = (all: readonly Sample[]): string =>
  all.length === 0
    ? `SELECT '' AS key_k, 0 AS v, ${['period_start', 'period_end', 'written_at', 'replaced_at'].map((name) => `NULL::TIMESTAMPTZ AS ${name}`).join(', ')} WHERE false`
    : all
        .map(
          ({ key, start, end, value, written, replaced }) =>
            `SELECT '${key}' AS key_k, ${value}::INTEGER AS v, ${instant(start)} AS period_start, ${instant(end)} AS period_end, ${instant(written)} AS written_at, ${instant(replaced)} AS replaced_at`,
        )
        .join(' UNION ALL ');

interface Row {
  readonly key: string;
  readonly value: number | null;
  readonly from: number;
  readonly to: number;
  readonly knownFrom: number;
  readonly knownTo: number;
}

let duckDb: DuckDb;
let connection: DuckDBConnection;
beforeAll(async () => {
  duckDb = await openDuckDb({});
  connection = await duckDb.connect();
});
afterAll(() => {
  connection.closeSync();
  duckDb.close();
});

const history = async (
  drawn: readonly Sample[],
  newest: number | null,
  known = 1_000,
  periods: readonly RolledUp[] = [],
): Promise<readonly Row[]> => {
  const sql = rollupRows(
    relation(drawn.filter(({ shorter }) => shorter)),
    {
      rows: 'history',
      known,
      keys: ['key_k'],
      features: ['v'],
      names: { validFrom: 'f', validTo: 't', knownFrom: 'kf', knownTo: 'kt' },
      longer: { columns: [], files: [] },
      periods,
      newest,
    },
    () => relation(drawn.filter(({ shorter }) => !shorter)),
  );
  const result = await connection.runAndReadAll(
    `SELECT key_k, v, epoch_ms(f), epoch_ms(t), epoch_ms(kf), epoch_ms(kt) FROM (${sql}) ORDER BY ALL`,
  );
  return result.getRows().map(([key, value, from, to, knownFrom, knownTo]) => ({
    key: String(key),
    value: value === null ? null : Number(value),
    from: Number(from),
    to: to === null ? Number.POSITIVE_INFINITY : Number(to),
    knownFrom: Number(knownFrom),
    knownTo: knownTo === null ? Number.POSITIVE_INFINITY : Number(knownTo),
  }));
};

/** Until when a sample of an end holds. */
const untilOf = (drawn: readonly Sample[], end: number, isNewest: boolean): number => {
  const here = drawn.filter((one) => one.end === end);
  const over = Math.max(...here.map((one) => end + one.end - one.start));
  const next = Math.min(...drawn.flatMap((one) => (one.end > end ? [one.end] : [])));
  if (!Number.isFinite(next)) return isNewest ? Number.POSITIVE_INFINITY : over;
  return Math.min(over, next);
};

const isKnown = ({ written, replaced }: Sample, known: number): boolean =>
  written <= known && (replaced === null || known < replaced);

test('at each moment and knowledge, a history has what the newest sample says', async () => {
  await fc.assert(
    fc.asyncProperty(samples, fc.boolean(), async (drawn, later) => {
      // `later`: a period without rows was rolled up after all that have some.
      const newest = later ? ENDS + 5 : null;
      const rows = await history(drawn, newest);
      const owned = drawn.filter(
        ({ end, shorter }) => shorter || !drawn.some((one) => one.shorter && one.end === end),
      );
      for (const key of KEYS)
        for (let at = 0; at < ENDS + 4; at++) {
          const past = owned.filter((one) => one.key === key && one.end <= at);
          const ends = drawn.flatMap(({ end }) => (end <= at ? [end] : []));
          const end = Math.max(...ends);
          const holds = ends.length > 0 && at < untilOf(drawn, end, !later);
          for (let known = -4; known < 11; known++) {
            const found = rows.filter(
              (row) =>
                row.key === key &&
                row.from <= at &&
                at < row.to &&
                row.knownFrom <= known &&
                known < row.knownTo,
            );
            const sample = past.find((one) => one.end === end && isKnown(one, known));
            const place = { key, at, known };
            const said = { ...place, values: found.map(({ value }) => value) };
            if (!holds) expect(said).toEqual({ ...place, values: [] });
            else if (sample !== undefined)
              expect(said).toEqual({ ...place, values: [sample.value] });
            else if (found.length > 0) {
              // Nothing was known of this end yet: what was known of the ends before still stood.
              const before = past
                .filter((one) => isKnown(one, known))
                .sort((a, b) => b.end - a.end);
              expect(said).toEqual({ ...place, values: [before[0]?.value] });
              expect(past.some((one) => one.end === end)).toBe(true);
            }
          }
        }
    }),
    { numRuns: 60 },
  );
});

test('a history as it was known is that of the samples that were there then', async () => {
  await fc.assert(
    fc.asyncProperty(samples, fc.integer({ min: -4, max: 10 }), async (drawn, known) => {
      const then = drawn.flatMap((one) =>
        one.written > known
          ? []
          : [{ ...one, replaced: (one.replaced ?? known + 1) > known ? null : one.replaced }],
      );
      expect(await history(drawn, null, known)).toEqual(await history(then, null));
    }),
    { numRuns: 60 },
  );
});
