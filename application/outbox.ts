/** The outbox, which publishes each commit of the registry to the log, as the topic `registry`. */
import type { EventStore } from '#domain/ports/event-store.ts';
import type { Log } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { registryRecordSchema } from '#domain/registry/registry-record.ts';
import { type Outbox, publishOutbox } from '#projections/outbox/publish-outbox.ts';
import { registryRecord } from '#projections/outbox/published-commits.ts';

export const registrySchemaId = (schemas: SchemaRegistry): Promise<number> =>
  schemas.register(`${REGISTRY_TOPIC}-value`, registryRecordSchema);

export const openOutbox = async (
  eventStore: EventStore,
  schemas: SchemaRegistry,
  log: Log,
): Promise<Outbox> => {
  const schemaId = await registrySchemaId(schemas);
  return publishOutbox(eventStore, log, (commit) => [registryRecord(commit, schemaId)]);
};
