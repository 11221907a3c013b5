/**
 * A history says of each moment, and of each time of knowledge, what the newest sample says that
 * was there then: for random samples of two rollups, with gaps, with periods without rows, in any
 * order of writing, replaced or not, compared with a search through all samples.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DUCKDB_ROLLUPS } from '#domain/sql/tables/duckdb.ts';
import { rollupRows } from '#domain/sql/tables/rollup-rows.ts';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';

/** Of one rollup. Times are small numbers, in ms. */
interface Period {
  readonly start: number;
  readonly end: number;
  readonly shorter: boolean;
}

interface Sample extends Period {
  readonly key: string;
  readonly value: number | null;
  readonly written: number;
  readonly replaced: number | null;
}

interface Rollups {
  /** those that were rolled up, with samples or without */
  readonly periods: readonly Period[];
  readonly samples: readonly Sample[];
}

const LONG = 3;
const ENDS = 12;
const KEYS = ['a', 'b'];

const cell = fc.record({
  value: fc.constantFrom(null, 1, 2),
  written: fc.integer({ min: 0, max: 9 }),
  /** what was written before it, and replaced by it */
  before: fc.option(fc.constantFrom(null, 1, 2, 3), { nil: undefined, freq: 2 }),
  there: fc.constantFrom(true, true, false),
});

const periodsOf = (length: number): readonly Period[] =>
  Array.from({ length: ENDS / length }, (_, i) => ({
    start: i * length,
    end: (i + 1) * length,
    shorter: length < LONG,
  }));
const ALL = [...periodsOf(1), ...periodsOf(LONG)];

const rollups: fc.Arbitrary<Rollups> = fc
  .tuple(...ALL.map(() => fc.record({ there: fc.boolean(), cells: fc.tuple(cell, cell) })))
  .map((drawn) => {
    const there = ALL.flatMap((period, i) => {
      const of = drawn[i] as (typeof drawn)[number];
      return of.there ? [{ period, cells: of.cells }] : [];
    });
    return {
      periods: there.map(({ period }) => period),
      samples: there.flatMap(({ period, cells }) =>
        cells.flatMap(({ value, written, before, there: has }, k): readonly Sample[] => {
          if (!has) return [];
          const of = { ...period, key: KEYS[k] as string };
          const now = { ...of, value, written, replaced: null };
          return before === undefined || before === value
            ? [now]
            : [{ ...of, value: before, written: written - 3, replaced: written }, now];
        }),
      ),
    };
  });

const instant = (time: number | null): string =>
  time === null ? 'NULL::TIMESTAMPTZ' : `make_timestamptz(${time * 1000}::BIGINT)`;

const selected = ({ key, start, end, value, written, replaced }: Sample): string =>
  `SELECT '${key}' AS key_k, ${value}::INTEGER AS v, ${instant(start)} AS period_start, ${instant(end)} AS period_end, ${instant(written)} AS written_at, ${instant(replaced)} AS replaced_at`;

const NONE: Sample = {
  key: '',
  start: 0,
  end: 0,
  value: null,
  written: 0,
  replaced: null,
  shorter: true,
};
const relation = (all: readonly Sample[]): string =>
  all.length === 0 ? `${selected(NONE)} WHERE false` : all.map(selected).join(' UNION ALL ');

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

/** @param recorded the periods that the tables record */
const history = async (
  samples: readonly Sample[],
  recorded: readonly Period[],
  known = 1_000,
): Promise<readonly Row[]> => {
  const sql = rollupRows(
    DUCKDB_ROLLUPS,
    { sql: relation(samples.filter(({ shorter }) => shorter)), columns: [] },
    {
      rows: 'history',
      known,
      keys: ['key_k'],
      features: ['v'],
      names: { validFrom: 'f', validTo: 't', knownFrom: 'kf', knownTo: 'kt' },
      longer: { columns: [], files: [], stored: null },
      periods: recorded.map(({ start, end, shorter }) => ({
        from: start,
        to: end,
        everyMs: end - start,
        shorter,
      })),
      newest: recorded.length === 0 ? null : Math.max(...recorded.map(({ end }) => end)),
    },
    () => relation(samples.filter(({ shorter }) => !shorter)),
  );
  const result = await connection.runAndReadAll(
    `SELECT key_k, v, epoch_ms(f), epoch_ms(t), epoch_ms(kf), epoch_ms(kt) FROM (${sql}) ORDER BY ALL`,
  );
  const orForEver = (time: unknown): number =>
    time === null ? Number.POSITIVE_INFINITY : Number(time);
  return result.getRows().map(([key, value, from, to, knownFrom, knownTo]) => ({
    key: String(key),
    value: value === null ? null : Number(value),
    from: Number(from),
    to: orForEver(to),
    knownFrom: Number(knownFrom),
    knownTo: orForEver(knownTo),
  }));
};

/** Until when a sample of an end holds. */
const untilOf = (periods: readonly Period[], end: number): number => {
  const next = Math.min(...periods.flatMap((one) => (one.end > end ? [one.end] : [])));
  if (!Number.isFinite(next)) return Number.POSITIVE_INFINITY;
  const lengths = periods.flatMap((one) => (one.end === end ? [one.end - one.start] : []));
  return Math.min(end + Math.max(...lengths), next);
};

const isKnown = ({ written, replaced }: Sample, known: number): boolean =>
  written <= known && (replaced === null || known < replaced);

test('at each moment and knowledge, a history has what the newest sample says', async () => {
  await fc.assert(
    fc.asyncProperty(rollups, fc.boolean(), async ({ samples, periods }, isRecorded) => {
      const rows = await history(samples, isRecorded ? periods : []);
      // Another engine's tables do not record them: periods without rows are not known.
      const there: readonly Period[] = isRecorded ? periods : samples;
      const hasShorter = new Set(there.flatMap(({ end, shorter }) => (shorter ? [end] : [])));
      const counting = samples.filter(({ end, shorter }) => shorter === hasShorter.has(end));
      for (const key of KEYS)
        for (let at = 0; at < ENDS + 4; at++) {
          const past = counting.filter((one) => one.key === key && one.end <= at);
          const ends = there.flatMap(({ end }) => (end <= at ? [end] : []));
          const end = Math.max(...ends);
          const holds = ends.length > 0 && at < untilOf(there, end);
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
    fc.asyncProperty(rollups, fc.integer({ min: -4, max: 10 }), async ({ samples }, known) => {
      const then = samples.flatMap((one) =>
        one.written > known
          ? []
          : [{ ...one, replaced: (one.replaced ?? known + 1) > known ? null : one.replaced }],
      );
      expect(await history(samples, [], known)).toEqual(await history(then, []));
    }),
    { numRuns: 60 },
  );
});
