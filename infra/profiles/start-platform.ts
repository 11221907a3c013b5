/**
 * What both profiles wire in the same way, in addition to the adapters that each picks: metrics,
 * OpenLineage, training sets in worker threads, SQL in processes and on other engines, and the
 * Flink SQL that `show --sql` prints.
 */
import { hostname } from 'node:os';
import type { PlatformDependencies } from '#application/dependencies.ts';
import { createPlatform } from '#application/platform.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { JoinEngine } from '#domain/ports/join-engine.ts';
import { duckDbSql } from '#infra/duckdb-sql/engine.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { openRuns } from '#infra/openlineage/open-runs.ts';
import type { LineageSettings } from '#infra/openlineage/settings.ts';
import { transportTo } from '#infra/openlineage/transport.ts';
import { flinkSqlOf } from '#infra/profiles/flink-sql-of.ts';
import { joinEngines, type SparkSettings } from '#infra/profiles/join-engines.ts';
import { type GivenSqlEngine, openSqlEngines } from '#infra/sql-engines/open-engines.ts';
import { createMetrics } from '#infra/telemetry/metrics.ts';
import { trainingSetBuilder } from '#infra/training-sets/builder.ts';
import { producerOf } from '#projections/lineage/event.ts';
import type { LineageEmitter } from '#projections/lineage/names.ts';
import packageJson from '../../package.json' with { type: 'json' };

/** OpenLineage, as a profile configures it. */
interface ProfileLineage extends Pick<LineageEmitter, 'engine' | 'places'> {
  readonly settings: LineageSettings;
  /** of several gateways, whether this one delivers the events */
  readonly leads: () => boolean;
}

type Shared =
  | 'host'
  | 'version'
  | 'metrics'
  | 'sql'
  | 'sqlEngines'
  | 'trainingSetBuilder'
  | 'lineage';

interface ProfileAdapters extends Omit<PlatformDependencies, Shared> {
  /** the directory of data sets that name no file of their own */
  readonly datasetDirectory: string;
  /** SQL engines on servers of their own, besides the platform's own */
  readonly otherSqlEngines: readonly GivenSqlEngine[];
  /** null: OpenLineage is off */
  readonly lineage: ProfileLineage | null;
  /** absent: Spark as it is installed */
  readonly spark?: SparkSettings | undefined;
  /** engines for data sets, beside Spark */
  readonly joins?: readonly JoinEngine[];
}

const { version } = packageJson;

const lineageOf = (
  { settings, engine, places, leads }: ProfileLineage,
  runsDirectory: string,
): NonNullable<PlatformDependencies['lineage']> => {
  const { namespace, everyMs, target } = settings;
  return {
    emitter: { engine, places, namespace, producer: producerOf(version) },
    everyMs,
    transport: transportTo(target),
    openRuns: (onAbandoned) => openRuns(runsDirectory, onAbandoned),
    leads,
  };
};

export const startPlatform = async ({
  lineage,
  datasetDirectory,
  otherSqlEngines,
  spark = {},
  joins = [],
  ...adapters
}: ProfileAdapters): Promise<Platform> => {
  const metrics = createMetrics();
  const sqlEngines = [
    duckDbSql({ files: localFiles(), warn: adapters.warn }),
    ...(await openSqlEngines(otherSqlEngines)),
  ];
  return createPlatform({
    ...adapters,
    eventStore: metrics.timed(adapters.eventStore),
    host: hostname(),
    version,
    metrics,
    sql: flinkSqlOf,
    sqlEngines,
    trainingSetBuilder: trainingSetBuilder({
      files: localFiles(),
      directory: datasetDirectory,
      ownDirectories: [adapters.dataDirectory, datasetDirectory],
      engines: joinEngines(spark, joins, adapters.warn),
    }),
    ...(lineage === null ? {} : { lineage: lineageOf(lineage, datasetDirectory) }),
    async close() {
      await Promise.all(sqlEngines.map((engine) => engine.close()));
      await adapters.close();
    },
  });
};
