/**
 * What both profiles wire in the same way, beside the adapters that each picks: metrics,
 * OpenLineage, training sets in worker threads, and the Flink SQL that `show --sql` prints.
 */
import type { PlatformDependencies } from '#application/dependencies.ts';
import { createPlatform } from '#application/platform.ts';
import type { Platform } from '#domain/api/platform.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { openRuns } from '#infra/openlineage/open-runs.ts';
import type { LineageSettings } from '#infra/openlineage/settings.ts';
import { transportTo } from '#infra/openlineage/transport.ts';
import { flinkSqlOf } from '#infra/profiles/flink-sql-of.ts';
import { createMetrics } from '#infra/telemetry/metrics.ts';
import { trainingSetBuilder } from '#infra/training-sets/builder.ts';
import { producerOf } from '#projections/lineage/event.ts';
import { openLineage } from '#projections/lineage/lineage.ts';
import type { LineageEmitter } from '#projections/lineage/names.ts';
import packageJson from '../../package.json' with { type: 'json' };

type Shared = 'version' | 'metrics' | 'sql' | 'trainingSetBuilder' | 'openLineage';

export interface ProfileAdapters extends Omit<PlatformDependencies, Shared> {
  /** the directory of data sets that name no file of their own */
  readonly datasetDirectory: string;
  /** absent: OpenLineage is off */
  readonly lineage?: Pick<LineageEmitter, 'engine' | 'places'> & {
    readonly settings: LineageSettings;
    /** of several gateways, whether this one delivers the events */
    readonly leads: () => boolean;
  };
}

export const startPlatform = async (adapters: ProfileAdapters): Promise<Platform> => {
  const { lineage, datasetDirectory, ...own } = adapters;
  const { log, schemas, now, warn } = own;
  const metrics = createMetrics();
  const eventStore = metrics.timed(own.eventStore);
  const { version } = packageJson;
  return createPlatform({
    ...own,
    eventStore,
    version,
    metrics,
    sql: flinkSqlOf,
    trainingSetBuilder: trainingSetBuilder({ files: localFiles(), directory: datasetDirectory }),
    ...(lineage === undefined
      ? {}
      : {
          openLineage: ({ engine }) =>
            openLineage({
              everyMs: lineage.settings.everyMs,
              transport: transportTo(lineage.settings.target),
              openRuns: (onAbandoned) => openRuns(datasetDirectory, onAbandoned),
              emitter: {
                engine: lineage.engine,
                places: lineage.places,
                namespace: lineage.settings.namespace,
                producer: producerOf(version),
              },
              leads: lineage.leads,
              log: own.outboxLog ?? log,
              schemas,
              eventStore,
              running: engine.running,
              now,
              warn,
            }),
        }),
  });
};
