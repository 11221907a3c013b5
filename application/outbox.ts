/** The outbox, which publishes each commit of the registry to the log, as the topic `registry`. */
import type { EventStore } from '#domain/ports/event-store.ts';
import type { Log } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { encodeCommit, registryRecordSchema } from '#domain/registry/registry-record.ts';
import { type Outbox, publishOutbox } from '#projections/outbox/publish-outbox.ts';

export const openOutbox = async (
  eventStore: EventStore,
  schemas: SchemaRegistry,
  log: Log,
): Promise<Outbox> => {
  const schemaId = await schemas.register(`${REGISTRY_TOPIC}-value`, registryRecordSchema);
  return publishOutbox(eventStore, log, (commit) => [
    {
      topic: REGISTRY_TOPIC,
      partition: 0,
      key: commit.stream,
      value: encodeCommit(commit),
      schemaId,
    },
  ]);
};
