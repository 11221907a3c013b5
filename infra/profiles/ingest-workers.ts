/**
 * The ingest workers, for producers that write to Kafka directly: one for each source. It shares
 * the source's ingest topic with the workers of other processes.
 */
import { createIngestRecords } from '#commands/ingest/ingest-topic.ts';
import { openSourceIngest } from '#commands/ingest/source-ingest.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { Log } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { ingestTopic, rawTopic } from '#domain/ports/topics.ts';
import { type IngestWorker, kafkaIngestWorker } from '#infra/kafka/ingest-worker.ts';
import type { TopicGuard } from '#infra/kafka/topic-guard.ts';
import type { KafkaAddress } from '#infra/kafka/wire/address.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

interface IngestWorkers {
  /** Runs one worker for each source, which validates by the source's newest version. */
  readonly follow: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export const openIngestWorkers = (
  kafka: KafkaAddress,
  catalog: Catalog,
  dependencies: {
    readonly log: Log;
    readonly schemas: SchemaRegistry;
    readonly now: () => number;
    readonly guard: Pick<TopicGuard, 'assert' | 'problem'>;
  },
): IngestWorkers => {
  const open = new Map<string, { readonly ingest: IngestWorker; version: number }>();
  const newest = (name: string): number =>
    catalog.stream('source', name)?.state.versions.at(-1)?.version ?? 0;

  const start = async (definition: SourceDefinition): Promise<void> => {
    const { name, partitions = 1 } = definition;
    await dependencies.log.createTopic(ingestTopic(name), { partitions });
    const ingest = kafkaIngestWorker({
      ...kafka,
      // The copies of the log take the group and the topic to have one name.
      group: ingestTopic(name),
      topic: ingestTopic(name),
      openIngestRecords: async () => {
        const now = catalog.definition('source', name) ?? definition;
        const ingestRecords = createIngestRecords(
          await openSourceIngest(now, newest(name), dependencies, null),
          dependencies,
        );
        return (records) => {
          for (const topic of [ingestTopic(name), rawTopic(name)]) dependencies.guard.assert(topic);
          return ingestRecords(records);
        };
      },
    });
    open.set(name, { ingest, version: newest(name) });
  };

  return {
    async follow() {
      for (const { name } of catalog.streams('source')) {
        const definition = catalog.definition('source', name);
        if (definition === null || dependencies.guard.problem(ingestTopic(name)) !== null) continue;
        const worker = open.get(name);
        if (worker === undefined) await start(definition);
        else if (worker.version !== newest(name)) {
          worker.version = newest(name);
          worker.ingest.refresh();
        }
      }
    },
    close: async () =>
      void (await Promise.all([...open.values()].map(({ ingest }) => ingest.close()))),
  };
};
