/**
 * The training set of `training-flights.ts` by other engines, over the same files: one query of
 * DuckDB with window functions, and Polars (bench/training/polars_windows.py). Both give the same
 * values: a window's tail is cut at its hop, and an event at exactly a row's time counts.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { pythonWithMillrace } from '#tests/support/venv.ts';
import type { TrainingFiles } from './training-flights.ts';

export interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

/** as the definitions in training-flights.ts */
const COLUMNS: readonly string[] = [
  'departures_1h',
  'delay_avg_1h',
  'delay_avg_1d',
  'delay_max_1d',
  'late_share_7d',
  'route_departures_1h',
  'route_delay_min_1d',
  'route_delay_avg_1d',
  'route_delay_sd_7d',
  'route_distance_7d',
];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WINDOWS = [
  { name: 'h', length: HOUR, hop: 2 * MINUTE },
  { name: 'd', length: DAY, hop: HOUR },
  { name: 'w', length: 7 * DAY, hop: 6 * HOUR },
];

/** One pass over rows and events together, in each of six windows. */
const windowQuery = ({ raw, spine }: TrainingFiles): string => {
  const frames = [
    { prefix: 'a', by: 'origin' },
    { prefix: 'r', by: 'origin, destination' },
  ].flatMap(({ prefix, by }) =>
    WINDOWS.map(
      ({ name, length, hop }) =>
        `${prefix}${name} AS (PARTITION BY ${by} ORDER BY t RANGE BETWEEN (t - (t - ${length}) // ${hop} * ${hop}) PRECEDING AND CURRENT ROW)`,
    ),
  );
  const values = [
    'count(distance) OVER ah',
    'avg(delay) OVER ah',
    'avg(delay) OVER ad',
    'max(delay) OVER ad',
    'avg(late) OVER aw',
    'count(distance) OVER rh',
    'min(delay) OVER rd',
    'avg(delay) OVER rd',
    'stddev_samp(delay) OVER rw',
    'sum(distance) OVER rw',
  ];
  return `SELECT origin, destination, event_timestamp, ${COLUMNS.join(', ')} FROM (
    SELECT origin, destination, event_timestamp, row_no, ${values.map((sql, i) => `${sql} AS ${COLUMNS[i]}`).join(', ')}
    FROM (
      SELECT origin, destination, event_timestamp, epoch_ms(event_timestamp) AS t, row_no,
        NULL::DOUBLE AS delay, NULL::DOUBLE AS late, NULL::DOUBLE AS distance
      FROM (SELECT *, row_number() OVER () AS row_no FROM read_parquet('${spine}'))
      UNION ALL
      SELECT origin, destination, NULL, epoch_ms(date), NULL,
        delay, CASE WHEN delay > 15 THEN 1 ELSE 0 END, distance
      FROM read_parquet('${raw}')
    ) WINDOW ${frames.join(', ')}
  ) WHERE row_no IS NOT NULL ORDER BY row_no`;
};

export const duckDbWindows = async (files: TrainingFiles, out: string): Promise<void> => {
  const duckDb = await openDuckDb({
    threads: 2,
    memoryLimit: '8GB',
    spillDirectory: `${out}.spill`,
  });
  const connection = await duckDb.connect();
  await connection.run('SET preserve_insertion_order = true');
  await connection.run(
    `COPY (${windowQuery(files)}) TO '${out}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  connection.closeSync();
  duckDb.close();
};

/** What any engine must do: read both files, sort the events by key and time, write the rows. */
export const floor = async ({ raw, spine }: TrainingFiles, out: string): Promise<void> => {
  const duckDb = await openDuckDb({ threads: 2, memoryLimit: '4GB' });
  const connection = await duckDb.connect();
  await connection.run('SET preserve_insertion_order = true');
  await connection.run(
    `CREATE TABLE sorted AS SELECT * FROM read_parquet('${raw}') ORDER BY origin, destination, date`,
  );
  const values = COLUMNS.map((name, i) => `hash(event_timestamp, ${i}) / 1e19 AS ${name}`);
  await connection.run(
    `COPY (SELECT *, ${values.join(', ')} FROM read_parquet('${spine}')) TO '${out}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  connection.closeSync();
  duckDb.close();
};

export const polarsWindows = ({ raw, spine }: TrainingFiles, out: string): Run => {
  const script = fileURLToPath(new URL('../training/polars_windows.py', import.meta.url));
  const { stdout, stderr, status, signal } = spawnSync(
    pythonWithMillrace(),
    [script, raw, spine, out],
    { encoding: 'utf8', env: { ...process.env, POLARS_MAX_THREADS: '2' } },
  );
  if (status !== 0) throw new Error(`Polars ended with ${status ?? signal}: ${stderr}`);
  return JSON.parse(stdout) as Run;
};

/** @throws where a value of the two files differs by more than a millionth */
export const sameValues = async (ours: string, theirs: string): Promise<void> => {
  const duckDb = await openDuckDb({ threads: 2, memoryLimit: '4GB' });
  const connection = await duckDb.connect();
  await connection.run('SET preserve_insertion_order = true');
  const differs = COLUMNS.map((name) => {
    const [a, b] = [`o.${name}::DOUBLE`, `t.${name}::DOUBLE`];
    return `count(*) FILTER ((${a} IS NULL) <> (${b} IS NULL) OR abs(${a} - ${b}) > 1e-6 * greatest(1, abs(${a}))) AS ${name}`;
  });
  const result = await connection.runAndReadAll(
    `SELECT count(*) FILTER (o.origin IS DISTINCT FROM t.origin OR o.event_timestamp IS DISTINCT FROM t.event_timestamp) AS row_order, ${differs.join(', ')}
     FROM read_parquet('${ours}') o POSITIONAL JOIN read_parquet('${theirs}') t`,
  );
  const counts = result.getRowObjects()[0] ?? {};
  connection.closeSync();
  duckDb.close();
  for (const [name, count] of Object.entries(counts))
    if (Number(count) > 0) throw new Error(`${count} values of ${name} differ in ${theirs}`);
};
