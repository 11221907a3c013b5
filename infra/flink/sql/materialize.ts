/**
 * The materialize job: raw events and feature updates from Kafka into the tables that are read by key (Paimon) and by scan (Iceberg).
 * One statement set, so one job and one checkpoint for all; each sink commits what lies before the checkpoint's barrier, whole.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import { featuresAvroSchema } from '#domain/views/features-schema.ts';
import type { ViewPlan } from '#domain/views/plan.ts';
import {
  DATABASE,
  ICEBERG_CATALOG,
  icebergFeatures,
  icebergRaw,
  PAIMON_CATALOG,
  paimonTable,
  rawTable,
  updatesTable,
} from './names.ts';

const fieldList = (schema: { readonly fields: readonly { readonly name: string }[] }): string =>
  schema.fields.map(({ name }) => `\`${name}\``).join(', ');

/** Filed under the day on which the log took it: a backfill of years then writes one file a commit, not one a day of its past. */
const PLACE = '`mr_partition`, `mr_offset`, `mr_log_time`, CAST(`mr_timestamp` AS DATE) AS `mr_day`';

export const archiveRaw = (
  source: SourceDefinition,
): string => `INSERT INTO ${ICEBERG_CATALOG}.${DATABASE}.${icebergRaw(source.name)}
SELECT ${fieldList(rawAvroSchema(source) as { fields: { name: string }[] })}, ${PLACE} FROM ${rawTable(source.name)}`;

/** The rows that say that an entity exists are for readers by key, not for the history. */
export const archiveUpdates = (
  plan: ViewPlan,
): string => `INSERT INTO ${ICEBERG_CATALOG}.${DATABASE}.${icebergFeatures(plan.view)}
SELECT ${fieldList(featuresAvroSchema(plan))}, ${PLACE} FROM ${updatesTable(plan.view)} WHERE \`hop_ms\` >= 0`;

export const tilesByKey = (plan: ViewPlan, generation: number): string =>
  `INSERT INTO ${PAIMON_CATALOG}.${DATABASE}.${paimonTable(plan.view, generation)}
SELECT ${fieldList(featuresAvroSchema(plan))}, \`mr_offset\` FROM ${updatesTable(plan.view)} WHERE \`generation\` = ${generation}`;
