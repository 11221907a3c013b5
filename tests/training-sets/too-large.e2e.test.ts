/**
 * A data set whose rows do not fit in the memory for them is refused, whatever its spine is: one
 * row more than fit is too many, and nothing is written.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { Table, TimestampMicrosecond, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import { count, entity, featureView, last, source } from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BuilderSpine } from '#domain/datasets/spine.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { col } from '#domain/expressions/build.ts';
import type { TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import { bytesOfRow } from '#domain/training-sets/row-memory.ts';
import { planTrainingSet } from '#domain/training-sets/training-set-plan.ts';
import { buildTrainingSet } from '#infra/training-sets/build-training-set.ts';
import { plain } from '#tests/support/platform.ts';
import { type Workplace, workplace } from './files.ts';

const ROWS = 6;
const T = Date.UTC(2026, 0, 1);

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', item: 'string?' },
  eventTime: 'at',
});
const view = featureView({
  name: 'of_shop',
  entity: shop,
  source: sales,
  features: { sold: count(), item: last(col('item')) },
});
const [entityOf, sourceOf, viewOf] = plain(shop, sales, view);
const definitions = { view: viewOf, source: sourceOf, entity: entityOf } as never;
const target: TrainingSetJob['target'] = {
  members: [{ from: 'view', view: 'of_shop', features: ['sold', 'item'] }],
  views: [definitions],
  onDemand: [],
};

let work: Workplace;
let raw: string;
let files = 0;
beforeAll(async () => {
  work = await workplace();
  raw = await work.write(
    'raw.parquet',
    `SELECT 'shop ' || i % 2 AS shop, make_timestamptz((${T} + i * 1000) * 1000) AS "at", 'tea' AS item,
       0::INTEGER AS _partition, i::BIGINT AS _offset, make_timestamptz((${T} + i * 1000) * 1000) AS _log_time
     FROM range(${ROWS}) r(i)`,
  );
});
afterAll(() => work.close());

const rows = Array.from({ length: ROWS }, (_, i) => ({
  shop: `shop ${i % 2}`,
  event_timestamp: new Date(T + i * 1000).toISOString(),
}));
const written = (extension: string): Promise<string> =>
  work.write(
    `spine.${extension}`,
    `SELECT 'shop ' || i % 2 AS shop, make_timestamptz((${T} + i * 1000) * 1000) AS event_timestamp FROM range(${ROWS}) r(i)`,
  );
const arrow = (): string => {
  const table = new Table({
    shop: vectorFromArray(
      rows.map((row) => row.shop),
      new Utf8(),
    ),
    event_timestamp: vectorFromArray(
      rows.map((row) => Date.parse(row.event_timestamp)),
      new TimestampMicrosecond('UTC'),
    ),
  });
  const file = work.path('spine.arrow');
  writeFileSync(file, tableToIPC(table, 'stream'));
  return file;
};

const SPINES: readonly (readonly [string, () => Promise<BuilderSpine>])[] = [
  ['Parquet', async () => ({ file: await written('parquet') })],
  ['CSV', async () => ({ file: await written('csv') })],
  ['Arrow', async () => ({ file: arrow() })],
  ['rows', async () => ({ rows })],
  ['a grid', async () => ({ grid: { from: T, to: T + 3_000, every: 1_000 } })],
  ['events', async () => ({ events: { source: 'sales', label: [] } })],
];

describe.each(SPINES)('%s', (_, spineOf) => {
  const build = async (fit: number, withStatus: boolean) => {
    const out = work.path(`out-${++files}.parquet`);
    return buildTrainingSet({
      target,
      spine: await spineOf(),
      spineSource: sourceOf as SourceDefinition,
      out,
      mode: 'event-time',
      withStatus,
      sources: { sales: { files: [raw], below: [ROWS] } },
      rowMemory: fit * bytesOfRow(planTrainingSet(target, withStatus)),
    });
  };
  test.each([false, true])('with statuses: %s', async (withStatus) => {
    expect(await build(ROWS, withStatus)).toMatchObject({ rows: ROWS });
    const before = readdirSync(work.directory);
    await expect(build(ROWS - 1, withStatus)).rejects.toMatchObject({
      code: 'MR_DATASET_TOO_LARGE',
      details: { rows: ROWS, maxRows: ROWS - 1 },
      message: expect.stringContaining(`would have ${ROWS} rows or more`),
    });
    expect(readdirSync(work.directory).sort()).toEqual(before.sort());
  });
});
