/**
 * The tables of a session: Kafka topics by the schemas of the schema registry, and Paimon and
 * Iceberg tables with the same columns.
 */

import type { SourceDefinition } from '#domain/definitions/model.ts';
import { featuresAvroSchema, unionSchema } from '#domain/encoding/features-schema.ts';
import { lateEventSchema } from '#domain/events/late-event.ts';
import {
  type FeatureLogColumns,
  featureLogAvroSchema,
} from '#domain/feature-log/feature-log-record.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { featureLogTopic, featuresTopic, lateTopic, rawTopic } from '#domain/ports/topics.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import { flinkColumns } from '#domain/sql/flink/columns.ts';
import { featuresSink, lateSink } from '#domain/sql/flink/names.ts';
import {
  DATABASE,
  featureLogTable,
  ICEBERG_CATALOG,
  PAIMON_CATALOG,
  paimonTable,
  rawTable,
  updatesTable,
} from './names.ts';

export interface TableSettings {
  /** host:port */
  readonly kafka: string;
  readonly registry: string;
}

type Options = Readonly<Record<string, string>>;

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

const withOptions = (options: Options): string =>
  `WITH (\n  ${Object.entries(options)
    .map(([key, value]) => `${text(key)} = ${text(value)}`)
    .join(',\n  ')}\n)`;

const table = (name: string, columns: readonly string[], options: Options): string =>
  `CREATE TEMPORARY TABLE ${name} (\n  ${columns.join(',\n  ')}\n) ${withOptions(options)}`;

type Schema = { readonly fields: readonly { readonly name: string; readonly type: unknown }[] };

/** The record's position in the log. */
const METADATA = [
  "`mr_timestamp` TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL",
  "`mr_partition` INT NOT NULL METADATA FROM 'partition' VIRTUAL",
  "`mr_offset` BIGINT NOT NULL METADATA FROM 'offset' VIRTUAL",
  '`mr_log_time` AS MR_MS(`mr_timestamp`)',
];

/** A raw record's trace, if it has one, for a table that a compute job reads. */
export const TRACE_COLUMNS = [
  "`mr_headers` MAP<STRING, BYTES> METADATA FROM 'headers' VIRTUAL",
  '`mr_trace` AS MR_TRACE(`mr_headers`, MR_MS(`mr_timestamp`))',
];

/** The offsets at which a source without state starts. */
export type StartAt =
  | 'earliest'
  | readonly { readonly partition: number; readonly offset: number }[];

const startOptions = (start: StartAt): Options =>
  start === 'earliest'
    ? { 'scan.startup.mode': 'earliest-offset' }
    : {
        'scan.startup.mode': 'specific-offsets',
        'scan.startup.specific-offsets': start
          .map((p) => `partition:${p.partition},offset:${p.offset}`)
          .join(';'),
      };

const reading = (
  settings: TableSettings,
  topic: string,
  group: string,
  start: StartAt,
): Options => ({
  connector: 'kafka',
  topic,
  'properties.bootstrap.servers': settings.kafka,
  'properties.group.id': group,
  'properties.isolation.level': 'read_committed',
  'properties.fetch.min.bytes': '1',
  'properties.fetch.max.wait.ms': '20',
  // new partitions of a source are read soon after they are added
  'scan.topic-partition-discovery.interval': '10 s',
  ...startOptions(start),
  'value.format': 'avro-confluent',
  'value.avro-confluent.url': settings.registry,
});

/** raw.<source>, for a compute job or the materialize job. */
export const rawTableSql = (
  settings: TableSettings,
  source: SourceDefinition,
  group: string,
  start: StartAt,
  more: readonly string[] = [],
): string =>
  table(
    rawTable(source.name),
    [...flinkColumns(rawAvroSchema(source) as Schema), ...METADATA, ...more],
    reading(settings, rawTopic(source.name), group, start),
  );

/** features.<view> as a stream of updates, each with its log position. */
export const updatesTableSql = (
  settings: TableSettings,
  plans: readonly ViewPlan[],
  group: string,
  start: StartAt,
): string => {
  const { view } = plans.at(-1) as ViewPlan;
  return table(
    updatesTable(view),
    [...flinkColumns(unionSchema(plans)), ...METADATA],
    reading(settings, featuresTopic(view), group, start),
  );
};

/** served.<service>, the logged answers of a service. */
export const featureLogTableSql = (
  settings: TableSettings,
  columns: FeatureLogColumns,
  group: string,
  start: StartAt,
): string =>
  table(
    featureLogTable(columns.service),
    [...flinkColumns(featureLogAvroSchema(columns)), ...METADATA],
    reading(settings, featureLogTopic(columns.service), group, start),
  );

const keyColumns = (plan: ViewPlan): string[] => plan.keys.map(({ name }) => `\`key_${name}\``);

/**
 * features.<view> as the sink of a compute job. The record's key begins with hop and tile, so that
 * the partitioner can skip them: all tiles of an entity are in one partition, in the order in which
 * they changed.
 */
export const featuresSinkSql = (settings: TableSettings, plan: ViewPlan): string =>
  table(
    featuresSink(plan.view),
    [
      ...flinkColumns(featuresAvroSchema(plan)),
      '`headers` MAP<STRING, BYTES> METADATA',
      `PRIMARY KEY (\`hop_ms\`, \`tile_start\`, ${keyColumns(plan).join(', ')}, \`generation\`) NOT ENFORCED`,
    ],
    {
      connector: 'upsert-kafka',
      topic: featuresTopic(plan.view),
      'properties.bootstrap.servers': settings.kafka,
      'properties.linger.ms': '5',
      'properties.batch.size': '131072',
      'properties.compression.type': 'none',
      'properties.partitioner.class': 'io.millrace.flink.EntityPartitioner',
      'key.format': 'avro-confluent',
      'key.avro-confluent.url': settings.registry,
      'value.format': 'avro-confluent',
      'value.avro-confluent.url': settings.registry,
      'sink.delivery-guarantee': 'at-least-once',
    },
  );

/** late.<view>, as the sink of a compute job. */
export const lateSinkSql = (settings: TableSettings, view: string): string =>
  table(lateSink(view), flinkColumns(lateEventSchema), {
    connector: 'kafka',
    topic: lateTopic(view),
    'properties.bootstrap.servers': settings.kafka,
    'value.format': 'avro-confluent',
    'value.avro-confluent.url': settings.registry,
    'sink.delivery-guarantee': 'at-least-once',
  });

/**
 * A job, table maintenance and the SQL gateway commit to the same tables; a lock serializes them.
 */
const FILE_LOCKS = 'io.millrace.iceberg.FileLocks';

export const icebergCatalogSql = (warehouse: { readonly iceberg: string }): string =>
  `CREATE CATALOG ${ICEBERG_CATALOG} ${withOptions({ type: 'iceberg', 'catalog-type': 'hadoop', warehouse: `file://${warehouse.iceberg}`, 'lock-impl': FILE_LOCKS })}`;

export const catalogsSql = (warehouse: {
  readonly paimon: string;
  readonly iceberg: string;
}): readonly string[] => [
  `CREATE CATALOG ${PAIMON_CATALOG} ${withOptions({ type: 'paimon', warehouse: `file://${warehouse.paimon}` })}`,
  icebergCatalogSql(warehouse),
  `CREATE DATABASE IF NOT EXISTS ${PAIMON_CATALOG}.${DATABASE}`,
];

export interface PaimonSettings {
  readonly buckets: number;
  /** how long snapshots are kept for lookups of the past */
  readonly snapshotsKept: string;
}

/**
 * The tiles of one generation, by key: written by the materialize job, read by the lookup server.
 */
export const paimonTableSql = (
  plan: ViewPlan,
  generation: number,
  { buckets, snapshotsKept }: PaimonSettings,
): string => {
  const keys = keyColumns(plan);
  return `CREATE TABLE IF NOT EXISTS ${PAIMON_CATALOG}.${DATABASE}.${paimonTable(plan.view, generation)} (
  ${flinkColumns(featuresAvroSchema(plan)).join(',\n  ')},
  \`mr_offset\` BIGINT NOT NULL,
  PRIMARY KEY (${[...keys, '`hop_ms`', '`tile_start`'].join(', ')}) NOT ENFORCED
) ${withOptions({
    bucket: String(buckets),
    'bucket-key': plan.keys.map(({ name }) => `key_${name}`).join(','),
    'merge-engine': 'deduplicate',
    'sequence.field': 'mr_offset',
    'changelog-producer': 'none',
    'snapshot.time-retained': snapshotsKept,
    'snapshot.num-retained.min': '10',
    'snapshot.num-retained.max': '100000',
    'num-sorted-run.compaction-trigger': '8',
    // A row format, because tables are written every second and read by key only.
    'file.format': 'avro',
    // Without minima and maxima, which no query uses and which take a third of the writer's time.
    'metadata.stats-mode': 'none',
  })}`;
};
