/** Files of usual columns: an id, a time, three doubles, a whole number, a text. */
import { join } from 'node:path';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import type { TrainingSetTarget } from '#domain/training-sets/training-set-plan.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';

export const FILE_PATHS = [
  'publish csv',
  'publish parquet',
  'data set csv csv',
  'data set csv parquet',
  'data set parquet parquet',
  'data set parquet csv',
] as const;
export type FilePath = (typeof FILE_PATHS)[number];

export const ROW_SOURCE = source({
  name: 'rows',
  fields: {
    customer: 'string',
    event_timestamp: 'timestamp',
    amount: 'double',
    ratio: 'double?',
    score: 'double',
    items: 'int',
    note: 'string?',
  },
  eventTime: 'event_timestamp',
});

const customer = entity({ name: 'customer', keys: { customer: 'string' } });
const view = featureView({
  name: 'orders',
  entity: customer,
  source: ROW_SOURCE,
  features: { orders_1d: count({ window: '1d', hop: '1h' }) },
});

export const ROW_TARGET: TrainingSetTarget = {
  members: [{ from: 'view', view: view.name, features: Object.keys(view.features) }],
  views: [{ view, source: ROW_SOURCE, entity: customer }],
  onDemand: [],
};

export const fileOf = (
  directory: string,
  path: FilePath,
): { readonly file: string; readonly out: string } => {
  const [, from, to] = /(csv|parquet) ?(csv|parquet)?$/.exec(path) as unknown as string[];
  return { file: join(directory, `rows.${from}`), out: join(directory, `out.${to ?? from}`) };
};

export const makeRowFiles = async (directory: string, rows: number): Promise<void> => {
  const duckDb = await openDuckDb({ threads: 2, memoryLimit: '1GB' });
  const connection = await duckDb.connect();
  await connection.run('SET preserve_insertion_order = true');
  await connection.run(`CREATE TABLE rows AS SELECT
      printf('customer-%06d', (hash(i) % 100000)::INTEGER) AS customer,
      make_timestamptz(1767225600000000 + i::BIGINT * 997000) AS event_timestamp,
      (hash(i + 1) % 10000000)::DOUBLE / 100 AS amount,
      CASE WHEN hash(i + 2) % 20 > 0 THEN (hash(i + 3) % 1000000007 + 1000000)::DOUBLE / 1001000007 END AS ratio,
      (hash(i + 4) % 2000)::DOUBLE / 10 - 100 AS score,
      (hash(i + 5) % 50)::INTEGER AS items,
      printf('a note about order %d', (hash(i + 6) % 5000)::INTEGER) AS note
    FROM range(${rows}) t(i)`);
  await connection.run(
    `COPY rows TO '${join(directory, 'rows.parquet')}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  await connection.run(`COPY (SELECT * REPLACE (
      strftime(timezone('UTC', event_timestamp), '%Y-%m-%dT%H:%M:%S.%gZ') AS event_timestamp)
    FROM rows) TO '${join(directory, 'rows.csv')}' (FORMAT csv, HEADER true)`);
  connection.closeSync();
  duckDb.close();
};
