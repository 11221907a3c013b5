/**
 * What one would write by hand for the aggregates of the example's `airport_delays`: a GROUP BY
 * airport and tile for each tile size, with Flink's own aggregates, into one topic, and from there
 * into a Paimon table by key and an appended Iceberg table, in one job.
 */
import type { StackAddresses } from '#infra/stack/addresses.ts';

interface HandWrittenJob {
  readonly properties: Readonly<Record<string, string>>;
  readonly setup: readonly string[];
  readonly statement: string;
}

const COLUMNS = `origin STRING NOT NULL,
  hop BIGINT NOT NULL,
  tile BIGINT NOT NULL,
  departures BIGINT,
  delays BIGINT,
  delay_sum DOUBLE,
  delay_squares DOUBLE,
  delay_max DOUBLE,
  late DOUBLE,
  last_destination STRING`;
const NAMES =
  'origin, hop, tile, departures, delays, delay_sum, delay_squares, delay_max, late, last_destination';
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** the tiles of the view's windows: see `millrace show airport_delays --sql` */
const SHORT_MS = 2 * MINUTE_MS;

export const handWritten = ({
  addresses,
  raw,
  round,
  group,
}: {
  readonly addresses: StackAddresses;
  readonly raw: string;
  readonly round: number;
  readonly group: string;
}): { readonly topic: string; readonly jobs: readonly HandWrittenJob[] } => {
  const topic = `hand.features.${round}`;
  const avro = (part: 'key' | 'value'): string =>
    `'${part}.format' = 'avro-confluent', '${part}.avro-confluent.url' = '${addresses.registry}'`;
  const kafka = `'properties.bootstrap.servers' = '${addresses.kafka}', 'properties.isolation.level' = 'read_committed'`;
  const tile = (ms: number): string => `\`date\` - MOD(\`date\`, ${ms})`;
  const insert = (hop: number, of: string, columns: string): string => `INSERT INTO updates
SELECT origin, hop, tile, ${columns}
FROM (SELECT *, CAST(${hop} AS BIGINT) AS hop, ${of} AS tile FROM flights WHERE distance > 0)
GROUP BY origin, hop, tile`;
  const nothing = (type: string): string => `CAST(NULL AS ${type})`;
  const inserts = [
    insert(
      SHORT_MS,
      tile(SHORT_MS),
      `COUNT(*), ${nothing('BIGINT')}, ${nothing('DOUBLE')}, ${nothing('DOUBLE')}, ${nothing('DOUBLE')}, ${nothing('DOUBLE')}, ${nothing('STRING')}`,
    ),
    insert(
      HOUR_MS,
      tile(HOUR_MS),
      `COUNT(*), COUNT(delay), SUM(delay), SUM(delay * delay), MAX(delay), SUM(CASE WHEN delay > 0 THEN 1e0 ELSE 0e0 END), ${nothing('STRING')}`,
    ),
    insert(
      0,
      'CAST(0 AS BIGINT)',
      `${nothing('BIGINT')}, ${nothing('BIGINT')}, ${nothing('DOUBLE')}, ${nothing('DOUBLE')}, ${nothing('DOUBLE')}, ${nothing('DOUBLE')}, LAST_VALUE(destination)`,
    ),
  ];
  const set = (statements: readonly string[]): string =>
    `EXECUTE STATEMENT SET BEGIN\n${statements.join(';\n')};\nEND`;
  return {
    topic,
    jobs: [
      {
        properties: {
          'parallelism.default': '1',
          'table.exec.mini-batch.enabled': 'true',
          'table.exec.mini-batch.allow-latency': '10 ms',
          'table.exec.mini-batch.size': '5000',
        },
        setup: [
          `CREATE TEMPORARY TABLE flights (
  \`date\` BIGINT NOT NULL, origin STRING NOT NULL, destination STRING NOT NULL, delay DOUBLE, distance DOUBLE NOT NULL
) WITH ('connector' = 'kafka', 'topic' = '${raw}', 'properties.group.id' = '${group}-compute-${round}', ${kafka},
  'scan.startup.mode' = 'earliest-offset', ${avro('value')})`,
          `CREATE TEMPORARY TABLE updates (${COLUMNS}, PRIMARY KEY (origin, hop, tile) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = '${topic}', ${kafka}, 'properties.linger.ms' = '5', 'properties.batch.size' = '131072',
  ${avro('key')}, ${avro('value')})`,
        ],
        statement: set(inserts),
      },
      {
        properties: { 'parallelism.default': '1' },
        setup: [
          `CREATE TEMPORARY TABLE updates (${COLUMNS})
WITH ('connector' = 'kafka', 'topic' = '${topic}', 'properties.group.id' = '${group}-tables-${round}', ${kafka},
  'scan.startup.mode' = 'earliest-offset', ${avro('value')})`,
          `CREATE CATALOG paimon WITH ('type' = 'paimon', 'warehouse' = 'file://${addresses.warehouse.paimon}')`,
          `CREATE CATALOG iceberg WITH ('type' = 'iceberg', 'catalog-type' = 'hadoop', 'warehouse' = 'file://${addresses.warehouse.iceberg}')`,
          'CREATE DATABASE IF NOT EXISTS paimon.hand',
          'CREATE DATABASE IF NOT EXISTS iceberg.hand',
          `CREATE TABLE paimon.hand.updates_${round} (${COLUMNS}, PRIMARY KEY (origin, hop, tile) NOT ENFORCED) WITH ('bucket' = '1')`,
          `CREATE TABLE iceberg.hand.updates_${round} (${COLUMNS})`,
        ],
        statement: set([
          `INSERT INTO paimon.hand.updates_${round} SELECT ${NAMES} FROM updates`,
          `INSERT INTO iceberg.hand.updates_${round} SELECT ${NAMES} FROM updates`,
        ]),
      },
    ],
  };
};
