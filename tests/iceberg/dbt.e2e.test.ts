/** `millrace export dbt`: the tables that the caller may read, with their columns. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { charge, founder, type Guarded, guarded } from '#tests/access/support/fixture.ts';
import { runInProcess } from '#tests/support/cli.ts';

const DAY = 86_400_000;

let on: Guarded;
let operator: string;
let reader: string;
const ran = (key: string, ...args: string[]) =>
  runInProcess(['export', 'dbt', ...args, '--url', on.http.url, '--api-key', key], {});

beforeAll(async () => {
  let parts: EmbeddedParts | undefined;
  on = await guarded({}, undefined, {
    onParts: (opened) => {
      parts = opened;
    },
  });
  const keyOf = async (grant: string): Promise<string> =>
    (await on.key([grant])).header.replace('Bearer ', '');
  operator = await keyOf('operator@payments');
  reader = await keyOf('reader@payments');
  const events = [0, 1].map((n) => ({ ...charge(`c${n}`), at: Date.UTC(2026, 0, 1) + n * DAY }));
  await on.platform.publishing.publish({ source: 'charges', events }, founder);
  await parts?.history.sync('raw.charges');
  await on.platform.datasets.rollup({ view: 'spending', every: 'day' }, founder);
});
afterAll(() => on?.dispose());

test('values by period, with types and descriptions', async () => {
  const { status, out } = await ran(reader, '--database', 'lake');
  expect(status).toBe(0);
  const { version, sources } = parse(out);
  expect(version).toBe(2);
  expect(sources).toMatchObject([
    { name: 'raw', database: 'lake', schema: 'raw', tables: [] },
    {
      name: 'rollup',
      database: 'lake',
      schema: 'rollup',
      tables: [
        {
          name: 'spending_v1_day',
          description: 'the values of spending, version 1, at the end of each day',
          loaded_at_field: 'written_at',
        },
      ],
    },
  ]);
  expect(sources[1].tables[0].columns.slice(0, 5)).toEqual([
    { name: 'key_card', description: 'entity key "card"', data_type: 'varchar' },
    {
      name: 'period_start',
      description: 'start of the period',
      data_type: 'timestamp(6) with time zone',
    },
    expect.objectContaining({ name: 'period_end' }),
    { name: 'charges', description: 'count(*) over all time', data_type: 'bigint' },
    { name: 'spent', description: 'sum(amount) over all time', data_type: 'double' },
  ]);
});

test('raw events, in a file', async () => {
  const out = join(on.test.files, 'sources.yml');
  expect(await ran(operator, '--out', out)).toMatchObject({
    status: 0,
    out: expect.stringContaining('1 tables written'),
  });
  const [raw, rollup] = parse(readFileSync(out, 'utf8')).sources;
  expect(raw).not.toHaveProperty('database');
  expect(rollup.tables).toEqual([]);
  expect(raw.tables[0]).toMatchObject({ name: 'charges', loaded_at_field: '_log_time' });
  expect(raw.tables[0].columns).toContainEqual({
    name: 'at',
    description: 'event time',
    data_type: 'timestamp(6) with time zone',
  });
  expect(raw.tables[0].columns).toContainEqual({ name: 'amount', data_type: 'double' });
});
