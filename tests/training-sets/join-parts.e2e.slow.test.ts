/**
 * However a data set is divided (one part or many, one thread or two, events in memory or in files,
 * an entity with more events than fit in memory), its bytes are the same.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { col, count, entity, featureView, last, lastK, min, source, stddev, sum } from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrainingSetJob, TrainingSetProgress } from '#domain/ports/training-set-builder.ts';
import type { JoinLimits } from '#infra/training-sets/join-passes.ts';
import { runTrainingSet } from '#infra/training-sets/run-training-set.ts';
import { plain } from '#tests/support/platform.ts';
import { type Workplace, workplace } from './files.ts';

const EVENTS = 6_000;
const ROWS = 2_000;
const T = Date.UTC(2026, 0, 1);

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const shelf = entity({ name: 'shelf', keys: { shop: 'string', item: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', item: 'string?', price: 'double?' },
  eventTime: 'at',
});
const ofShop = featureView({
  name: 'of_shop',
  entity: shop,
  source: sales,
  features: {
    sold: count({ window: '1h', hop: '2m' }),
    paid: sum(col('price'), { window: '1d', hop: '1h' }),
    spread: stddev(col('price'), { window: '7d', hop: '6h' }),
    newest: last(col('item')),
    items: lastK(col('item'), 3),
  },
});
const ofShelf = featureView({
  name: 'of_shelf',
  entity: shelf,
  source: sales,
  features: { least: min(col('price'), { window: '1d', hop: '1h' }), ever: count() },
});
const [shopOf, shelfOf, sourceOf, ofShopOf, ofShelfOf] = plain(shop, shelf, sales, ofShop, ofShelf);
const definitions = [
  { view: ofShopOf, source: sourceOf, entity: shopOf },
  { view: ofShelfOf, source: sourceOf, entity: shelfOf },
] as never as TrainingSetJob['target']['views'];
const target: TrainingSetJob['target'] = {
  members: definitions.map(({ view }) => ({
    from: 'view',
    view: view.name,
    features: Object.keys(view.features),
  })),
  views: definitions,
  onDemand: [],
};
/** Each view has a generation for the first half of the time, and one for the rest. */
const half = T + 43_200_000;
const timelines: NonNullable<TrainingSetJob['timelines']> = Object.fromEntries(
  definitions.map((of) => [
    of.view.name,
    [
      { generation: 1, version: 1, definitions: of, from: null, to: half, late: [] },
      {
        ...{ generation: 2, version: 1, definitions: of, from: half, to: null },
        late: [{ partition: 0, offset: 17 }],
      },
    ],
  ]),
);

let work: Workplace;
let raw: string;
let spine: string;
beforeAll(async () => {
  work = await workplace();
  const seconds = (i: string, salt: number) => `(hash(${i} + ${salt}) % 86400)`;
  const time = (of: string) => `make_timestamptz((${T} + ${of} * 1000)::BIGINT * 1000)`;
  // Half of the events are of one shop.
  raw = await work.write(
    'raw.parquet',
    `SELECT CASE WHEN i % 2 = 0 THEN 'busy' ELSE 'shop ' || hash(i) % 40 END AS shop,
       ${time(seconds('i', 1))} AS "at", CASE WHEN i % 7 > 0 THEN 'item ' || hash(i * 3) % 5 END AS item,
       CASE WHEN i % 5 > 0 THEN (hash(i * 5) % 1000) / 7 END AS price,
       (i % 2)::INTEGER AS _partition, (i // 2)::BIGINT AS _offset,
       ${time(`(${seconds('i', 1)} + hash(i * 11) % 3000)`)} AS _log_time
     FROM range(${EVENTS}) r(i)`,
  );
  spine = await work.write(
    'spine.parquet',
    `SELECT CASE WHEN i % 3 = 0 THEN 'busy' WHEN i % 50 = 1 THEN NULL ELSE 'shop ' || hash(i) % 45 END AS shop,
       'item ' || hash(i + 9) % 6 AS item, ${time(seconds('i', 5))} AS event_timestamp
     FROM range(${ROWS}) r(i)`,
  );
});
afterAll(() => work.close());

const jobOf = (mode: TrainingSetJob['mode'], out: string): TrainingSetJob => ({
  ...{ target, mode, spine: { file: spine }, out: work.path(out), overwrite: true },
  sources: { sales: { files: [raw], below: [EVENTS, EVENTS] } },
  withStatus: true,
  ...(mode === 'as-served' ? { timelines } : {}),
  // The bytes follow from the job.
  reproducible: { content: null, spine: { kind: 'rows', rows: ROWS, sha256: '' } },
});

const bytesOf = async (mode: TrainingSetJob['mode'], limits: Partial<JoinLimits>) => {
  const job = jobOf(mode, 'out.parquet');
  await runTrainingSet(job, { limits });
  return readFileSync(job.out).toString('base64');
};

const DIVIDED: readonly Partial<JoinLimits>[] = [
  { partEvents: 900, threads: 1 },
  { partEvents: 900, threads: 2 },
  { partEvents: 200, threads: 3 },
  { partRows: 300 },
  { partEvents: 900, eventBytes: 0 },
  // The busy shop has fifteen spans.
  { partEvents: 100, eventBytes: 0 },
];

describe.each(['event-time', 'as-served'] as const)('%s', (mode) => {
  let whole: string;
  beforeAll(async () => {
    whole = await bytesOf(mode, {});
  });

  test.each(DIVIDED)('the same bytes with %o', async (limits) => {
    expect((await bytesOf(mode, limits)) === whole).toBe(true);
  });
});

test('progress goes from 0 to 1', async () => {
  const seen: TrainingSetProgress[] = [];
  await runTrainingSet(jobOf('event-time', 'out.parquet'), {
    limits: { partEvents: 900 },
    onProgress: (progress) => seen.push(progress),
  });
  const progress = seen.map((one) => one.progress);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect([progress[0], progress.at(-1)]).toEqual([0, 1]);
  expect(seen.map(({ stage }) => stage)).toContain('joining of_shop, of_shelf');
});

test('a data set that is cancelled while parts are joined leaves no file', async () => {
  const cancel = new AbortController();
  const before = readdirSync(work.directory);
  const built = runTrainingSet(jobOf('event-time', 'cancelled.parquet'), {
    signal: cancel.signal,
    limits: { partEvents: 100, eventBytes: 0 },
    onProgress: ({ stage }) => {
      if (stage.startsWith('joining')) cancel.abort();
    },
  });
  await expect(built).rejects.toMatchObject({ name: 'AbortError' });
  expect(readdirSync(work.directory)).toEqual(before);
});
