/**
 * Data sets without a spine have the values of the oracle: a grid has every entity at each instant,
 * and a set of events has every event with the values just before it, in both modes. Events come
 * out of order, late, in the same millisecond, with null keys.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BuilderSpine } from '#domain/datasets/spine.ts';
import {
  avg,
  col,
  count,
  entity,
  featureView,
  last,
  source,
  sum,
} from '#domain/definitions/index.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { buildTrainingSet } from '#infra/training-sets/build-training-set.ts';
import { readValues } from '#infra/training-sets/read-values.ts';
import { type Definitions, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { plain } from '#tests/support/platform.ts';
import { type Workplace, workplace } from './files.ts';

const shelf = entity({ name: 'shelf', keys: { shop: 'string', shelf: 'int' } });
const sales = source({
  name: 'sales',
  fields: {
    at: 'timestamp',
    shop: 'string?',
    shelf: 'int?',
    price: 'double?',
    n: 'long?',
    item: 'string?',
  },
  eventTime: 'at',
});
const view = featureView({
  name: 'of_shelf',
  entity: shelf,
  source: sales,
  where: col('n').gt(1),
  features: {
    sold: count({ window: '10s', hop: '1s' }),
    price: avg(col('price'), { window: '20s', hop: '5s' }),
    total: sum(col('n')),
    item: last(col('item')),
  },
});

const [plainEntity, plainSource, plainView] = plain(shelf, sales, view);
const definitions = {
  view: plainView,
  source: plainSource,
  entity: plainEntity,
} as unknown as Definitions;

const T = Date.UTC(2026, 0, 1);
const END = 40_000;

const drawnEvent = fc.record({
  at: fc.oneof(fc.integer({ min: 0, max: END }), fc.constantFrom(0, 1, 1000, 1001, 20_000)),
  shop: fc.constantFrom('b', 'a', "O'Hare", null),
  shelf: fc.constantFrom(2, 10, null),
  price: fc.option(fc.integer({ min: -9, max: 9 }).map((x) => x / 4)),
  n: fc.option(fc.integer({ min: 0, max: 5 })),
  item: fc.constantFrom('tea', 'jam', null),
  lag: fc.constantFrom(0, 0, 0, 1, 5_000, 60_000),
});

/** Log times do not fall. */
const eventsOf = fc.array(drawnEvent, { minLength: 1, maxLength: 40 }).map((drawn) => {
  let logTime = T;
  return drawn.map(({ lag, at, ...row }, offset): RawEvent => {
    logTime = Math.max(logTime, T + at + lag);
    const eventTime = T + at;
    return { row: { ...row, at: eventTime }, eventTime, logTime, partition: 0, offset };
  });
});

const sqlValue = (value: Value): string =>
  value === null
    ? 'NULL'
    : typeof value === 'string'
      ? `'${value.replaceAll("'", "''")}'`
      : `${value}`;

const sqlRow = ({ row, logTime, partition, offset }: RawEvent): string =>
  `(${[
    `make_timestamptz(${(row.at as number) * 1000}::BIGINT)`,
    ...['shop', 'shelf', 'price', 'n', 'item'].map((name) => sqlValue(row[name] as Value)),
    partition,
    offset,
    `make_timestamptz(${logTime * 1000}::BIGINT)`,
  ].join(', ')})`;

let work: Workplace;
let built = 0;
beforeAll(async () => {
  work = await workplace();
});
afterAll(() => work.close());

const build = async (
  events: readonly RawEvent[],
  below: number,
  mode: TrainingSetJob['mode'],
  spine: BuilderSpine,
): Promise<readonly ReadonlyMap<string, Value>[]> => {
  const name = `${++built}`;
  const file = await work.write(
    `raw-${name}.parquet`,
    `SELECT "at", shop::VARCHAR AS shop, shelf::INTEGER AS shelf, price::DOUBLE AS price, n::BIGINT AS n, item::VARCHAR AS item, _partition, _offset, _log_time
     FROM (VALUES ${events.map(sqlRow).join(', ')}) t("at", shop, shelf, price, n, item, _partition, _offset, _log_time)`,
  );
  const out = work.path(`out-${name}.parquet`);
  const views = [definitions];
  await buildTrainingSet({
    target: {
      members: [
        { from: 'view', view: 'of_shelf', features: Object.keys(definitions.view.features) },
      ],
      views,
      onDemand: [],
    },
    spine,
    ...('events' in spine ? { spineSource: plainSource as SourceDefinition } : {}),
    out,
    mode,
    withStatus: true,
    sources: { sales: { files: [file], below: [below] } },
    timelines: {
      of_shelf: [{ generation: 1, version: 1, definitions, from: null, to: null }],
    },
  });
  return readValues(out);
};

/** What a read at the time would have taken, of the events below the pinned offset. */
const knownAt = (
  events: readonly RawEvent[],
  below: number,
  mode: TrainingSetJob['mode'],
  at: number,
): readonly RawEvent[] =>
  events.filter(
    ({ offset, logTime }) => offset < below && (mode === 'event-time' || logTime <= at),
  );

const expectValues = (
  found: ReadonlyMap<string, Value>,
  events: readonly RawEvent[],
  key: readonly Value[] | null,
  at: number,
): void => {
  const { values, status, scale } =
    key === null ? { values: [], status: [], scale: [] } : oracle(definitions, events, key, at);
  Object.entries(definitions.view.features).forEach(([name, { aggregation }], f) => {
    const value = found.get(name) as Value;
    // A row without an entity has no values.
    if (key === null) {
      expect([value, found.get(`${name}__status`)]).toEqual([null, 'not-found']);
      return;
    }
    expect([name, key, at, found.get(`${name}__status`)]).toEqual([name, key, at, status[f]]);
    if (!sameValue(aggregation, name === 'total', value, values[f], scale[f] as number))
      expect([name, key, at, value]).toEqual([name, key, at, values[f]]);
  });
};

const modes = fc.constantFrom('event-time' as const, 'as-served' as const);
const keyOf = ({ shop, shelf: number }: Row): readonly Value[] | null =>
  shop === null || number === null ? null : [shop as Value, number as Value];

test('a grid has every entity at each instant, by time and then by key', async () => {
  await fc.assert(
    fc.asyncProperty(
      eventsOf,
      modes,
      fc.nat(5),
      fc.integer({ min: -1000, max: END }),
      fc.constantFrom(1, 999, 7_000, 50_000),
      async (events, mode, cut, start, every) => {
        const below = Math.max(1, events.length - cut);
        const from = T + start;
        const to = from + every * 3 + 1;
        const keys = events.flatMap(({ offset, row }) => {
          const key = keyOf(row);
          const counts = offset < below && row.n !== null && (row.n as number) > 1;
          return counts && key !== null ? [key as readonly [string, number]] : [];
        });
        const entities = [...new Map(keys.map((key) => [String(key), key])).values()].sort(
          ([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j),
        );
        const spine = { grid: { from, to, every } };
        if (entities.length === 0) {
          await expect(build(events, below, mode, spine)).rejects.toMatchObject({
            code: 'MR_REFUSED',
          });
          return;
        }
        const rows = await build(events, below, mode, spine);
        const expected = [0, 1, 2, 3].flatMap((i) =>
          entities.map((key) => ({ key, at: from + i * every })),
        );
        expect(
          rows.map((row) => [row.get('shop'), row.get('shelf'), row.get('event_timestamp')]),
        ).toEqual(expected.map(({ key, at }) => [...key, at]));
        rows.forEach((row, i) => {
          const { key, at } = expected[i] as (typeof expected)[number];
          expectValues(row, knownAt(events, below, mode, at), key, at);
        });
      },
    ),
    { numRuns: 25 },
  );
});

test('every event is a row, with the values just before it: it does not count itself', async () => {
  await fc.assert(
    fc.asyncProperty(
      eventsOf,
      modes,
      fc.nat(5),
      fc.option(fc.integer({ min: 0, max: END })),
      fc.option(fc.integer({ min: 0, max: END })),
      async (events, mode, cut, start, end) => {
        const below = Math.max(1, events.length - cut);
        const from = start === null ? undefined : T + start;
        const to = end === null || (start !== null && end <= start) ? undefined : T + end;
        const expected = events
          .filter(
            ({ offset, eventTime }) =>
              offset < below &&
              (from === undefined || eventTime >= from) &&
              (to === undefined || eventTime < to),
          )
          .sort((a, b) => a.eventTime - b.eventTime || a.offset - b.offset);
        const spine = {
          events: {
            source: 'sales',
            label: ['at', 'n'],
            ...(from === undefined ? {} : { from }),
            ...(to === undefined ? {} : { to }),
          },
        };
        if (expected.length === 0) {
          await expect(build(events, below, mode, spine)).rejects.toMatchObject({
            code: 'MR_REFUSED',
          });
          return;
        }
        const rows = await build(events, below, mode, spine);
        const columns = ['shop', 'shelf', 'event_timestamp', 'at', 'n'];
        expect([...(rows[0] as ReadonlyMap<string, Value>).keys()].slice(0, 5)).toEqual(columns);
        expect(rows.map((row) => columns.map((name) => row.get(name)))).toEqual(
          expected.map(({ row, eventTime }) => [row.shop, row.shelf, eventTime, eventTime, row.n]),
        );
        rows.forEach((found, i) => {
          const { row, eventTime } = expected[i] as RawEvent;
          const at = eventTime - 1;
          expectValues(found, knownAt(events, below, mode, at), keyOf(row), at);
        });
      },
    ),
    { numRuns: 40 },
  );
});

test('what has no rows of its own is refused early, with the reason', async () => {
  const events: readonly RawEvent[] = [
    {
      row: { at: T, shop: 'a', shelf: 1, price: 1, n: 2, item: 'tea' },
      eventTime: T,
      logTime: T,
      partition: 0,
      offset: 0,
    },
  ];
  const of = (spine: BuilderSpine) => build(events, 1, 'event-time', spine);
  await expect(of({ events: { source: 'sales', label: ['nothing'] } })).rejects.toMatchObject({
    code: 'MR_SPINE_INVALID',
    message: expect.stringContaining('has no field "nothing", a label: it has at, shop'),
  });
  await expect(of({ events: { source: 'sales', label: ['price'] } })).rejects.toMatchObject({
    code: 'MR_SPINE_INVALID',
    message: expect.stringContaining('column "price", and the data set has a feature "price"'),
  });
  await expect(of({ grid: { from: T, to: T + 1e12, every: 1 } })).rejects.toMatchObject({
    code: 'MR_DATASET_TOO_LARGE',
    message: expect.stringMatching(/1000000000000 rows or more.*enough for \d+/),
  });
});
