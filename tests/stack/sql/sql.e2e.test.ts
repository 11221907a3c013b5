/** SQL over the tables that Flink writes: the same names, types and moment as elsewhere. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { count, entity, featureService, featureView, source } from '#domain/definitions/index.ts';
import { jsonOf } from '#domain/sql-results/text.ts';
import { answerOf } from '#tests/sql-engines/support/shop.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
} from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';

const shop = entity({ name: uniqueName('shop'), keys: { shop: 'string' } });
const fields = {
  id: 'long',
  t: 'timestamp',
  shop: 'string',
  day: 'date?',
  tags: 'array<string>',
  amount: 'double?',
} as const;
const sales = source({ name: uniqueName('sales'), fields, eventTime: 't', partitions: 2 });
const totals = featureView({
  name: uniqueName('totals'),
  entity: shop,
  source: sales,
  features: { sales: count() },
});
const scores = featureService({
  name: uniqueName('scores'),
  features: [totals],
  logging: { sample: 1 },
});
const T = Date.UTC(2026, 0, 1);

let stack: StackPlatform;
beforeAll(async () => {
  stack = await stackPlatform();
  await stack.platform.registry.apply(plain(shop, sales, totals, scores), {}, caller);
});
afterAll(() => stack?.dispose());

const rows = async (sql: string): Promise<unknown[][]> => {
  const { columns, batches } = await stack.platform.sql.query({ sql, limits: { seconds: 120 } });
  const found: unknown[][] = [];
  for await (const batch of batches)
    for (let i = 0; i < batch.rows; i++)
      found.push(columns.map(({ type }, c) => jsonOf(type, batch.columns[c]?.[i] ?? null)));
  return found;
};

test('raw events and logged answers are tables, as far as the log goes', async () => {
  const events = Array.from({ length: 10 }, (_, id) => ({
    id,
    t: T + id,
    shop: `s${id % 2}`,
    tags: [`t${id}`],
    ...(id === 3 ? { day: '2026-01-01', amount: 0.5 } : {}),
  }));
  const { position: after } = await stack.platform.publishing.publish(
    { source: sales.name, events },
    caller,
  );
  expect(
    await rows(
      `SELECT id, t, shop, day, tags, amount FROM raw_${sales.name} ORDER BY id LIMIT 4 OFFSET 2`,
    ),
  ).toEqual([
    [2, '2026-01-01T00:00:00.002Z', 's0', null, ['t2'], null],
    [3, '2026-01-01T00:00:00.003Z', 's1', '2026-01-01', ['t3'], 0.5],
    [4, '2026-01-01T00:00:00.004Z', 's0', null, ['t4'], null],
    [5, '2026-01-01T00:00:00.005Z', 's1', null, ['t5'], null],
  ]);
  expect(
    await rows(
      `SELECT count(*), count(DISTINCT (log_partition, log_offset)) FROM raw_${sales.name}`,
    ),
  ).toEqual([[10, 10]]);

  const request = { service: scores.name, entities: [{ shop: 's1' }], after, waitMs: 60_000 };
  await stack.platform.serving.read(request, { actor: 'model', requestId: 'r1' });
  expect(
    await rows(`SELECT request_id, actor, key_shop, feature_sales FROM served_${scores.name}`),
  ).toEqual([['r1', 'model', 's1', 5]]);
});

test("the stack's Flink has the same answers", async () => {
  for (const sql of [
    `SELECT * FROM raw_${sales.name} ORDER BY id`,
    `SELECT shop, count(*) AS n, max(t) AS newest, sum(amount) AS amount FROM raw_${sales.name} GROUP BY shop ORDER BY shop`,
    `SELECT request_id, key_shop, feature_sales FROM served_${scores.name} ORDER BY request_id`,
  ]) {
    const expected = await answerOf(stack.platform, 'duckdb', sql);
    expect(expected.rows.length).toBeGreaterThan(0);
    expect([sql, await answerOf(stack.platform, 'flink', sql)]).toEqual([sql, expected]);
  }
});
