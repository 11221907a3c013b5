/**
 * Names in Flink: tables of a session, jobs, and tables of Paimon and Iceberg. All modules take
 * them from here.
 */
import { type RollupName, rollupName } from '#domain/rollups/rollup-name.ts';

export const DATABASE = 'millrace';
export const PAIMON_CATALOG = 'paimon';
export const ICEBERG_CATALOG = 'iceberg';

/** temporary tables of a session */
export const rawTable = (source: string): string => `raw_${source}`;
export const updatesTable = (view: string): string => `updates_${view}`;
export const featureLogTable = (service: string): string => `served_${service}`;

/** in Paimon: one table for each generation, so that readers never see a half-filled one */
export const paimonTable = (view: string, generation: number): string =>
  `features_${view}_g${generation}`;
/** in Iceberg: the history of a topic, with the columns of the embedded profile's tables */
export const historyTable = (kind: 'raw' | 'features' | 'served', name: string): string =>
  `${ICEBERG_CATALOG}.\`${kind}\`.\`${name}\``;

/** in Iceberg: the values of a view's version by period */
export const rollupTable = (of: RollupName): string =>
  `${ICEBERG_CATALOG}.\`rollup\`.\`${rollupName(of)}\``;

export const computeJob = (view: string, generation: number): string =>
  `millrace-compute-${view}-g${generation}`;
/** writes the tables that are read by key */
export const MATERIALIZE_JOB = 'millrace-materialize';
/** writes the table of one ephemeral view, at the view's own interval */
export const flushJob = (view: string): string => `millrace-flush-${view}`;
/** writes the history */
export const ARCHIVE_JOB = 'millrace-archive';
/**
 * the consumer group in which a job commits its offsets at each checkpoint, which shows its
 * progress
 */
export const computeGroup = (view: string, generation: number): string =>
  `compute.${view}.${generation}`;
export const MATERIALIZE_GROUP = 'materialize';
export const ARCHIVE_GROUP = 'archive';
