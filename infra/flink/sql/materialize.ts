/**
 * From Kafka into tables: feature updates by key (Paimon, the materialize job), and raw events and
 * feature updates for scans (Iceberg, the archive job). Each job is one statement set with one
 * checkpoint; each sink atomically commits the records before the checkpoint's barrier.
 *
 * The history's tables have the columns of the embedded profile's: times as timestamps, references
 * as JSON, and `_partition`, `_offset` and `_log_time`. Each INSERT names its columns, so that a
 * table that has gained columns still accepts rows of an older version.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { featuresAvroSchema, unionSchema } from '#domain/encoding/features-schema.ts';
import {
  type FeatureLogColumns,
  featureLogAvroSchema,
  featureLogFields,
} from '#domain/feature-log/feature-log-record.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { flinkType } from '#domain/sql/flink/types.ts';
import { isNumeric } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { columnType, icebergSchemaFromAvro } from '#infra/shared/iceberg/schema.ts';
import {
  DATABASE,
  featureLogTable,
  historyTable,
  PAIMON_CATALOG,
  paimonTable,
  rawTable,
  updatesTable,
} from './names.ts';

const quote = (name: string): string => `\`${name}\``;

const fieldList = (schema: { readonly fields: readonly { readonly name: string }[] }): string =>
  schema.fields.map(({ name }) => quote(name)).join(', ');

const PLACE_COLUMNS = '`_partition`, `_offset`, `_log_time`';
const PLACE = '`mr_partition`, `mr_offset`, `mr_timestamp`';

/** Converts epoch ms and days to the history's timestamps and dates. */
const historyValue = (name: string, type: FieldType): string => {
  if (type.array) return quote(name);
  if (type.base === 'timestamp') return `TO_TIMESTAMP_LTZ(${quote(name)}, 3)`;
  if (type.base === 'date') return `TIMESTAMPADD(DAY, ${quote(name)}, DATE '1970-01-01')`;
  return quote(name);
};

export const archiveRaw = (source: SourceDefinition): string => {
  const fields = Object.entries(sourceFields(source));
  return `INSERT INTO ${historyTable('raw', source.name)} (${fields.map(([name]) => quote(name)).join(', ')}, ${PLACE_COLUMNS})
SELECT ${fields.map(([name, type]) => historyValue(name, type)).join(', ')}, ${PLACE} FROM ${rawTable(source.name)}`;
};

/** @param plans plans of the generations that write; the columns are the union of theirs */
export const archiveUpdates = (plans: readonly ViewPlan[]): string => {
  const plan = plans.at(-1) as ViewPlan;
  const schema = unionSchema(plans);
  const json = new Set(
    icebergSchemaFromAvro(schema).flatMap((column) => (column.json === true ? [column.name] : [])),
  );
  const timestamps = new Map(plan.keys.map(({ name, type }) => [`key_${name}`, type]));
  const value = (name: string, avro: unknown): string => {
    if (json.has(name)) return `JSON_STRING(${quote(name)})`;
    const key = timestamps.get(name);
    return key !== undefined && columnType(avro) !== null ? historyValue(name, key) : quote(name);
  };
  return `INSERT INTO ${historyTable('features', plan.view)} (${fieldList(schema)}, ${PLACE_COLUMNS})
SELECT ${schema.fields.map(({ name, type }) => value(name, type)).join(', ')}, ${PLACE} FROM ${updatesTable(plan.view)}`;
};

/** The feature log: times become timestamps, other values do not change. */
export const archiveFeatureLog = (columns: FeatureLogColumns): string => {
  const schema = featureLogAvroSchema(columns);
  const types = new Map(featureLogFields(columns).map(({ name, type }) => [name, type]));
  const value = (name: string): string => {
    const type = types.get(name);
    return type === undefined ? quote(name) : historyValue(name, type);
  };
  return `INSERT INTO ${historyTable('served', columns.service)} (${fieldList(schema)}, ${PLACE_COLUMNS})
SELECT ${schema.fields.map(({ name }) => value(name)).join(', ')}, ${PLACE} FROM ${featureLogTable(columns.service)}`;
};

export const tilesByKey = (plan: ViewPlan, generation: number): string =>
  `INSERT INTO ${PAIMON_CATALOG}.${DATABASE}.${paimonTable(plan.view, generation)}
SELECT ${fieldList(featuresAvroSchema(plan))}, \`mr_offset\` FROM ${updatesTable(plan.view)} WHERE \`generation\` = ${generation}`;

/**
 * The history of a source's events below the offsets at which the log continues. A compute job
 * reads it once, to its end.
 */
export const rawHistory = (source: SourceDefinition, below: readonly number[]): string => {
  const fields = Object.entries(sourceFields(source));
  const value = (name: string, type: FieldType): string => {
    if (type.array) return quote(name);
    if (type.base === 'timestamp') return `MR_MS(${quote(name)})`;
    if (type.base === 'date') return `TIMESTAMPDIFF(DAY, DATE '1970-01-01', ${quote(name)})`;
    // The table may have a narrower type than the job reads.
    return isNumeric(type) ? `CAST(${quote(name)} AS ${flinkType(type)})` : quote(name);
  };
  const limit = below
    .map((offset, partition) => `(\`_partition\` = ${partition} AND \`_offset\` < ${offset})`)
    .join(' OR ');
  const columns = fields.map(([name, type]) => {
    const sql = value(name, type);
    return sql === quote(name) ? sql : `${sql} AS ${quote(name)}`;
  });
  return `SELECT ${columns.join(', ')}, \`_partition\` AS mr_partition, \`_offset\` AS mr_offset, MR_MS(\`_log_time\`) AS mr_log_time, CAST(NULL AS STRING) AS mr_trace
FROM ${historyTable('raw', source.name)} WHERE ${limit}`;
};
