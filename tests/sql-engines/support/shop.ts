/** Tables of every kind on a platform, and questions whose answers all engines must agree on. */
import { col, count, entity, featureService, featureView, last, source, sum } from 'millrace';
import type { Platform } from '#domain/api/platform.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { jsonOf } from '#domain/sql-results/text.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
export const T = Date.UTC(2026, 0, 1);

export interface Shop {
  readonly definitions: readonly Definition[];
  /** with a field that older events lack */
  readonly evolved: Definition;
  readonly sales: string;
  readonly totals: string;
  readonly scores: string;
}

/** @param unique a name that other definitions do not have, from a common one */
export const shopOf = (unique: (name: string) => string = (name) => name): Shop => {
  const shop = entity({ name: unique('shop'), keys: { shop: 'string' } });
  const fields = {
    id: 'long',
    moment: 'timestamp',
    shop: 'string',
    amount: 'double?',
    due: 'date?',
    tags: 'array<string>',
    ok: 'boolean',
    units: 'int?',
  } as const;
  const name = unique('sales');
  const sales = source({ name, fields, eventTime: 'moment' });
  const evolved = source({
    name,
    fields: { ...fields, note: 'string?' },
    eventTime: 'moment',
  });
  const totals = featureView({
    name: unique('totals'),
    entity: shop,
    source: sales,
    features: {
      sold_1d: count({ window: '1d' }),
      amount_1d: sum(col('amount'), { window: '1d' }),
      newest_1d: last(col('amount'), { window: '1d' }),
    },
  });
  const scores = featureService({
    name: unique('scores'),
    features: [totals],
    logging: { sample: 1 },
  });
  return {
    definitions: [shop, sales, totals, scores],
    evolved,
    sales: sales.name,
    totals: totals.name,
    scores: scores.name,
  };
};

const LARGE = 9_007_199_254_740_991;

export const saleOf = (id: number, days: number, shop: string, more: object = {}) => ({
  id,
  moment: T + days * DAY + id,
  shop,
  tags: ['a', `t${id}`],
  ok: id % 2 === 0,
  ...more,
});

export const SALES: readonly Record<string, unknown>[] = [
  saleOf(1, 0.25, 'a', { amount: 0.5, due: '2026-01-01', units: 3 }),
  saleOf(2, 0.5, 'b', { amount: 2 }),
  saleOf(3, 1.25, 'a', { amount: -1.5, due: '1969-12-31', units: -7 }),
  saleOf(4, 1.5, 'it’s "b"', { tags: [] }),
  saleOf(5, 2.75, 'a', { amount: 8 }),
  { ...saleOf(6, 3.5, 'b', { amount: 16 }), id: LARGE },
];
/** It changes values that were rolled up before. */
export const LATE = saleOf(7, 1.75, 'a', { amount: 32 });
export const HOURS = { from: T + DAY, to: T + DAY + 6 * HOUR };

/** The same text on every engine; no answer depends on an order that it does not name. */
export const questionsOf = ({ sales, totals, scores }: Shop): readonly string[] => [
  `SELECT id, moment, shop, amount, due, ok, units, note FROM raw_${sales} ORDER BY id`,
  `SELECT id, tags FROM raw_${sales} ORDER BY id`,
  `SELECT log_partition, log_offset, log_time, id FROM raw_${sales} ORDER BY log_partition, log_offset`,
  `SELECT shop, count(*) AS n, sum(amount) AS amount, min(moment) AS first_moment, max(due) AS due FROM raw_${sales} WHERE id < 100 GROUP BY shop ORDER BY shop`,
  `SELECT CAST('12345678901234567.25' AS DECIMAL(20, 2)) AS d, CAST(9223372036854775807 AS BIGINT) AS l FROM raw_${sales} WHERE id = 1`,
  `SELECT * FROM ${totals}_v1 ORDER BY key_shop`,
  `SELECT * FROM ${totals}_daily ORDER BY period_end, key_shop`,
  `SELECT * FROM ${totals}_history ORDER BY key_shop, valid_from, known_from`,
  `SELECT request_id, actor, key_shop, feature_sold_1d, feature_amount_1d FROM served_${scores} ORDER BY request_id, key_shop`,
  `WITH big AS (SELECT s.id, s.shop, h.sold_1d, h.amount_1d FROM raw_${sales} s LEFT JOIN ${totals}_history h ON s.shop = h.key_shop AND s.moment >= h.valid_from AND (h.valid_to IS NULL OR s.moment < h.valid_to) AND h.known_to IS NULL)
SELECT id, shop, sold_1d, amount_1d FROM big ORDER BY id`,
  `SELECT shop FROM (SELECT shop FROM raw_${sales} WHERE id IN (SELECT max(id) FROM raw_${sales} GROUP BY shop) UNION ALL SELECT key_shop FROM ${totals}_daily WHERE amount_1d > 1) u ORDER BY shop`,
];

export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

export const answerOf = async (
  platform: Platform,
  engine: string,
  sql: string,
  known?: number,
): Promise<Answer> => {
  const answer = await platform.sql.query({
    sql,
    engine,
    limits: { seconds: 300 },
    ...(known === undefined ? {} : { known }),
  });
  const rows: unknown[][] = [];
  for await (const batch of answer.batches)
    for (let i = 0; i < batch.rows; i++)
      rows.push(answer.columns.map(({ type }, c) => jsonOf(type, batch.columns[c]?.[i] ?? null)));
  return { columns: answer.columns.map(({ name, type }) => `${name} ${type.name}`), rows };
};
