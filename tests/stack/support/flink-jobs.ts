/**
 * What an engine works with, without a platform: the log, the schema registry and Flink's jobs, on
 * the running servers.
 */
import { join } from 'node:path';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import type { JobSettings } from '#infra/flink/compute-job.ts';
import { openJobStore } from '#infra/flink/job-store.ts';
import { type FlinkJobs, flinkJobs } from '#infra/flink/jobs.ts';
import { type KafkaLog, kafkaLog } from '#infra/kafka/log.ts';
import { addresses } from './addresses.ts';
import { uniqueName } from './platform.ts';
import { directoryOf } from './warehouse.ts';

export interface EngineOfTest {
  readonly log: KafkaLog;
  readonly jobs: FlinkJobs;
  readonly schemas: SchemaRegistry;
  readonly settings: JobSettings;
}

export const openEngine = async (): Promise<EngineOfTest> => {
  const { kafka, registry, warehouse, directory, checkpoints, savepoints, flink, sqlGateway } =
    addresses();
  return {
    log: await kafkaLog({ brokers: [kafka], clientId: uniqueName('engine'), warn: () => {} }),
    schemas: confluentSchemaRegistry({ url: registry }),
    jobs: flinkJobs({
      cluster: flinkCluster(flink),
      gateway: sqlGateway,
      jobStore: openJobStore(
        directoryOf(join(directory, 'flink', 'jobs')),
        directoryOf(checkpoints),
      ),
      savepoints,
      warn: () => {},
    }),
    settings: {
      kafka,
      registry,
      warehouse,
      paimon: { buckets: 1, snapshotsKept: '1 h' },
      parallelism: 1,
      miniBatchMs: 10,
      archiveEveryMs: 1_000,
    },
  };
};
