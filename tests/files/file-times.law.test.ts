/**
 * Times of every unit, with and without a zone, in the years 1 to 9999, are rounded down to the
 * millisecond in whole numbers: in events, in spines, and in what training sets and batches write
 * and spines read again. The oracle is arithmetic of BigInt.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { col, entity, featureView, last, source } from '#domain/definitions/index.ts';
import { spineOfValues } from '#domain/training-sets/spine-of-values.ts';
import { fieldType } from '#domain/values/field-type.ts';
import { readScalar } from '#domain/values/read-value.ts';
import { formatTime } from '#domain/values/time.ts';
import { buildTrainingSet } from '#infra/training-sets/build-training-set.ts';
import { writeBatch } from '#infra/training-sets/write-batch.ts';
import { accepted, type FilePlaces, filePlaces, publishedEvents, spineInputs } from './places.ts';

const FIRST = -62_135_596_800_000_000n;
const END = 253_402_300_799_999_999n;
/** The nanoseconds of an INT64, in microseconds. */
const NANOS = 9_223_372_036_854_775n;

const floor = (value: bigint, by: bigint): bigint => {
  const rest = ((value % by) + by) % by;
  return (value - rest) / by;
};
const msOf = (micros: bigint): number => Number(floor(micros, 1000n));

/** Microseconds: anywhere, near the epoch, near whole milliseconds, and the ends. */
const micros = fc.oneof(
  fc.bigInt({ min: FIRST, max: END }),
  fc.bigInt({ min: -2_000_000n, max: 2_000_000n }),
  fc
    .tuple(
      fc.bigInt({ min: FIRST / 1000n, max: END / 1000n - 1n }),
      fc.integer({ min: -1, max: 1 }),
    )
    .map(([ms, off]) => ms * 1000n + BigInt(off))
    .filter((us) => us >= FIRST),
  fc.constantFrom(FIRST, END, -1n, 0n, 1n, -999n, -1000n, -1001n, 1_096_501_564_409_000n),
);
const nanos = fc.oneof(
  fc.bigInt({ min: -NANOS * 1000n, max: NANOS * 1000n }),
  fc.bigInt({ min: -3_000_000n, max: 3_000_000n }),
  fc.constantFrom(-1n, -999_999n, -1_000_000n, -1_000_001n),
);

const ROWS = 600;
const seed = 20_260_131;
const MICROS = fc.sample(micros, { numRuns: ROWS, seed });
const NANO = fc.sample(nanos, { numRuns: ROWS, seed });

let places: FilePlaces;
beforeAll(async () => {
  places = await filePlaces();
});
afterAll(() => places.close());

/** A text with six digits of a second. */
const textOf = (us: bigint): string => {
  const digits = String(us - floor(us, 1000n) * 1000n).padStart(3, '0');
  return formatTime(msOf(us)).replace('Z', `${digits}Z`);
};

it('a Parquet column of any unit, as an event and as a spine', async () => {
  const values = MICROS.map((us, i) => `(${us}, ${NANO[i]}, ${i})`).join(', ');
  const file = await places.writeParquet(
    'times.parquet',
    `SELECT make_timestamptz(us) AS ts, make_timestamp(us) AS event_timestamp, make_timestamp(us) AS naive, make_timestamptz(us) AS zoned,
       make_timestamp(least(us, ${END - 1_000_000n}))::TIMESTAMP_MS AS ms, make_timestamp(least(us, ${END - 1_000_000n}))::TIMESTAMP_S AS s, make_timestamp_ns(ns) AS ns, [make_timestamp(us)] AS list
     FROM (VALUES ${values}) AS v(us, ns, i) ORDER BY i`,
  );
  // a narrower unit was rounded by DuckDB when the file was written: its own whole numbers count
  const stored = await places.query(
    `SELECT epoch_us(ms)::VARCHAR, epoch_us(s)::VARCHAR FROM (SELECT * FROM '${file}')`,
  );
  const expected = MICROS.map((us, i) => ({
    naive: msOf(us),
    zoned: msOf(us),
    ms: msOf(BigInt(String(stored[i]?.[0]))),
    s: msOf(BigInt(String(stored[i]?.[1]))),
    ns: Number(floor(NANO[i] as bigint, 1_000_000n)),
    list: [msOf(us)],
  }));
  const inputs = Object.fromEntries(
    Object.keys(expected[0] ?? {}).map((name) => [
      name,
      name === 'list' ? 'array<timestamp>' : 'timestamp',
    ]),
  );
  const spine = await spineInputs(places, file, inputs);
  expect(spine.times).toEqual(MICROS.map(msOf));
  // in a list, a number that looks like seconds is written as text, so nothing of it is refused
  expect(spine.rows).toEqual(expected);
  const events = await publishedEvents(file, { ts: 'timestamp', ...inputs });
  const read = events.map((event) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, type]) => [name, accepted(type, event[name])]),
    ),
  );
  expect(read).toEqual(expected);
  expect(events.map((event) => readScalar('timestamp', event.ts))).toEqual(MICROS.map(msOf));
});

it('a CSV text, as an event and as a spine', async () => {
  const file = places.write(
    'times.csv',
    `ts,event_timestamp,t\n${MICROS.map((us) => `${textOf(us)},${textOf(us)},${textOf(us)}\n`).join('')}`,
  );
  const spine = await spineInputs(places, file, { t: 'timestamp' });
  expect(spine.times).toEqual(MICROS.map(msOf));
  expect(spine.rows.map(({ t }) => t)).toEqual(MICROS.map(msOf));
  const events = await publishedEvents(file, { ts: 'timestamp', t: 'timestamp' });
  expect(events.map((event) => accepted('timestamp', event.t))).toEqual(MICROS.map(msOf));
});

it('a number is a time as it is in JSON, whatever its column', async () => {
  const near = [999_999_999, 1e9, 1_000_000_001, 9_999_999_999, 1e10, 1e11 - 1, 1e11, 1e12];
  const random = fc.sample(
    // shorter texts are years or dates
    fc.integer({ min: -62e12, max: 253e12 }).filter((ms) => Math.abs(ms) > 1e8),
    { numRuns: 20, seed },
  );
  for (const ms of [...near, ...near.map((n) => -n), ...random]) {
    const file = places.write('number.csv', `event_timestamp\n${ms}\n`);
    const columns = [`${ms}::BIGINT`, `${ms}::DOUBLE`, `${ms}::DECIMAL(20,0)`];
    const parquet = await places.writeParquet(
      'number.parquet',
      columns.map((sql) => `SELECT ${sql} AS event_timestamp`).join(' INTERSECT '),
    );
    const expected = readScalar('timestamp', ms);
    for (const path of [file, parquet]) {
      const read = await spineInputs(places, path, {}).then(
        ({ times }) => times[0],
        () => undefined,
      );
      expect([ms, path.slice(-3), read]).toEqual([ms, path.slice(-3), expected]);
    }
  }
});

const shop = entity({ name: 'shop', keys: { id: 'int' } });
const sales = source({
  name: 'sales',
  fields: { at: 'timestamp', id: 'int', t: 'timestamp' },
  eventTime: 'at',
});
const view = featureView({
  name: 'of_shop',
  entity: shop,
  source: sales,
  features: { t: last(col('t')), at: last(col('at')) },
});

it('what a training set and a batch write is read again as the same times', async () => {
  const times = MICROS.map(msOf);
  const raw = await places.writeParquet(
    'raw.parquet',
    `SELECT make_timestamptz(ms * 1000) AS at, i::INTEGER AS id, make_timestamptz(ms * 1000) AS t, 0::INTEGER AS _partition, i::BIGINT AS _offset, make_timestamptz(0) AS _log_time
     FROM (VALUES ${times.map((ms, i) => `(${ms}, ${i})`).join(', ')}) AS v(ms, i)`,
  );
  const spine = places.write(
    'spine.csv',
    `id,event_timestamp\n${times.map((ms, i) => `${i},${formatTime(ms)}\n`).join('')}`,
  );
  const job = {
    target: {
      members: [view.pick('t', 'at')],
      views: [{ view, source: sales, entity: shop }],
      onDemand: [],
    },
    mode: 'event-time',
    sources: { sales: { files: [raw], below: [ROWS] } },
    spine: { file: spine },
  } as const;
  const type = fieldType('timestamp');
  for (const extension of ['csv', 'parquet']) {
    const set = places.path(`set.${extension}`);
    await buildTrainingSet({ ...job, out: set });
    const read = await spineInputs(places, set, { t: 'timestamp', at: 'timestamp' });
    expect(read.times).toEqual(times);
    expect(read.rows).toEqual(times.map((ms) => ({ t: ms, at: ms })));

    const batch = places.path(`batch.${extension}`);
    await writeBatch(
      {
        out: batch,
        keys: [{ name: 'event_timestamp', type }],
        features: [
          { name: 't', type },
          { name: 'list', type: { ...type, array: true } },
        ],
      },
      [{ rows: times.length, columns: [times, times, times.map((ms) => [ms])] }],
    );
    const scored = await spineInputs(places, batch, { t: 'timestamp', list: 'array<timestamp>' });
    expect(scored.times).toEqual(times);
    expect(scored.rows).toEqual(times.map((ms) => ({ t: ms, list: [ms] })));
  }
  const set = await places.query(
    `SELECT epoch_us(event_timestamp)::VARCHAR, epoch_us(t)::VARCHAR FROM (SELECT * FROM '${places.path('set.parquet')}')`,
  );
  expect(set).toEqual(times.map((ms) => [`${BigInt(ms) * 1000n}`, `${BigInt(ms) * 1000n}`]));
});

it('a batch of entities with times and dates as keys is read again as the same keys', async () => {
  const moment = entity({ name: 'moment', keys: { at: 'timestamp', day: 'date' } });
  const dated = source({
    name: 'dated',
    fields: { at: 'timestamp', day: 'date' },
    eventTime: 'at',
  });
  const moments = featureView({
    name: 'moments',
    entity: moment,
    source: dated,
    features: { n: last(col('at')) },
  });
  const target = {
    members: [moments.pick('n')],
    views: [{ view: moments, source: dated, entity: moment }],
    onDemand: [],
  };
  const times = MICROS.map(msOf);
  const days = times.map((ms) => Math.floor(ms / 86_400_000));
  const rows = spineOfValues(
    target,
    times.map((at, i) => ({ at, day: days[i] as number, event_timestamp: at })),
  );
  for (const extension of ['csv', 'parquet']) {
    const out = places.path(`moments.${extension}`);
    const sources = { dated: { files: [], below: [] } };
    await buildTrainingSet({ target, mode: 'event-time', sources, spine: { rows }, out });
    const read = await spineInputs(places, out, { at: 'timestamp', day: 'date', n: 'timestamp' });
    expect(read.times).toEqual(times);
    expect(read.rows).toEqual(times.map((at, i) => ({ at, day: days[i], n: null })));
  }
});
