/** The records of late.<view> that are about one generation: the events that it left out. */
import {
  decodeLateEvent,
  encodeLateEvent,
  type LateEventRecord,
  lateEventSchema,
} from '#domain/events/late-event.ts';
import type { GenerationSpec } from '#domain/ports/engine.ts';
import type { OutgoingRecord } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import type { TransactionalLog } from '#domain/ports/stream-task.ts';
import { lateTopic } from '#domain/ports/topics.ts';
import type { LateEvent } from '#domain/tiles/lateness.ts';

export interface LateRecords {
  readonly topic: string;
  /** The record of an event that the generation leaves out. */
  readonly recordOf: (event: LateEvent) => OutgoingRecord;
  /** What the log has, in its order. */
  readonly all: () => AsyncGenerator<LateEventRecord>;
}

interface Dependencies {
  readonly log: TransactionalLog;
  readonly schemas: Pick<SchemaRegistry, 'register'>;
}

/** Makes the topic, too. */
export const openLateRecords = async (
  { view, generation }: Pick<GenerationSpec, 'view' | 'generation'>,
  { log, schemas }: Dependencies,
): Promise<LateRecords> => {
  const topic = lateTopic(view);
  await log.createTopic(topic, { partitions: 1 });
  const schemaId = await schemas.register(`${topic}-value`, lateEventSchema);
  return {
    topic,
    recordOf: (event) => ({
      topic,
      partition: 0,
      key: event.key,
      value: encodeLateEvent({ ...event, generation }),
      schemaId,
    }),
    async *all() {
      for await (const records of readPartition(log, topic, 0, {}))
        for (const { value } of records) {
          const late = decodeLateEvent(value);
          if (late.generation === generation) yield late;
        }
    },
  };
};
