/**
 * The parts of an ingest worker under test: a source, its log and its schemas. As a process it
 * works until it is killed.
 */
import { createIngestRecords } from '#commands/ingest/ingest-topic.ts';
import { openSourceIngest } from '#commands/ingest/source-ingest.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { ingestTopic } from '#domain/ports/topics.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import {
  type IngestWorker,
  type IngestWorkerOptions,
  kafkaIngestWorker,
} from '#infra/kafka/ingest-worker.ts';
import { type KafkaLogOptions, kafkaLog } from '#infra/kafka/log.ts';

export const SOURCE: SourceDefinition = {
  kind: 'source',
  name: 'bids',
  fields: { id: 'string', at: 'timestamp', user: 'string', price: 'double?' },
  eventTime: 'at',
  eventId: 'id',
  partitions: 2,
};

export interface IngestTest {
  readonly kafka: string;
  readonly registry: string;
  readonly prefix: string;
}

export const openIngest = async (
  { kafka, registry, prefix }: IngestTest,
  options: Partial<KafkaLogOptions> = {},
) => {
  const log = await kafkaLog({ brokers: [kafka], clientId: 'ingest', prefix, ...options });
  const schemas = confluentSchemaRegistry({ url: registry, prefix });
  const source = () => openSourceIngest(SOURCE, 1, { log, schemas, now: Date.now }, null);
  const work = (more: Partial<IngestWorkerOptions> = {}): IngestWorker =>
    kafkaIngestWorker({
      brokers: [kafka],
      clientId: 'ingest',
      prefix,
      group: 'millrace.ingest.bids',
      topic: ingestTopic('bids'),
      openIngestRecords: async () =>
        createIngestRecords(await source(), { schemas, now: Date.now }),
      sessionTimeoutMs: 6_000,
      ...more,
    });
  return { log, schemas, source, work };
};

if (import.meta.main) {
  const under = await openIngest(JSON.parse(process.argv[2] as string));
  await under.work().ready;
  process.stdout.write('ready\n');
}
