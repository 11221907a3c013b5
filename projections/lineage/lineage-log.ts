/**
 * OpenLineage events on the topic `lineage`, in the order in which they happened: JSON in an Avro
 * record, whose key is the run, job or dataset.
 */
import avro from 'avsc';
import type { Log, OutgoingRecord } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { LINEAGE_TOPIC } from '#domain/ports/topics.ts';
import type { LineageEvent } from '#projections/lineage/event.ts';

const schema = {
  type: 'record',
  name: 'LineageEvent',
  namespace: 'millrace',
  fields: [{ name: 'event', type: 'string', doc: 'OpenLineage 2-0-2, JSON' }],
} as const;
const type = avro.Type.forSchema(schema as unknown as avro.Schema);

export interface LineageRecord {
  readonly offset: number;
  /** JSON */
  readonly event: string;
}

export interface LineageLog {
  readonly record: (event: LineageEvent) => OutgoingRecord;
  /** From `offset` on, in order; empty at the end. */
  readonly read: (offset: number, maxBytes: number) => Promise<readonly LineageRecord[]>;
  readonly end: () => Promise<number>;
}

const keyOf = (event: LineageEvent): string =>
  'run' in event ? event.run.runId : 'job' in event ? event.job.name : event.dataset.name;

export const openLineageLog = async (log: Log, schemas: SchemaRegistry): Promise<LineageLog> => {
  const schemaId = await schemas.register(`${LINEAGE_TOPIC}-value`, schema);
  await log.createTopic(LINEAGE_TOPIC, { partitions: 1 });
  return {
    record: (event) => ({
      topic: LINEAGE_TOPIC,
      partition: 0,
      key: keyOf(event),
      value: type.toBuffer({ event: JSON.stringify(event) }),
      schemaId,
    }),
    async read(offset, maxBytes) {
      const records = await log.read(LINEAGE_TOPIC, 0, offset, maxBytes);
      return records.map(({ offset: at, value }) => ({
        offset: at,
        event: (
          type.fromBuffer(Buffer.from(value.buffer, value.byteOffset, value.byteLength)) as {
            event: string;
          }
        ).event,
      }));
    },
    end: async () => (await log.end(LINEAGE_TOPIC))[0] ?? 0,
  };
};
