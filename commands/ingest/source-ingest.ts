/**
 * What ingestion for one version of a source needs: its validator, its codec, its topics, and the
 * event ids of the dedupe window.
 */

import type { SourceDefinition } from '#domain/definitions/model.ts';
import { rejectedEventSchema } from '#domain/events/rejected-event.ts';
import { resentEventSchema } from '#domain/events/resent-event.ts';
import { snapshotTakenSchema } from '#domain/events/snapshot-taken.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { rawTopic, rejectedTopic, resentTopic, snapshotTopic } from '#domain/ports/topics.ts';
import { debeziumReader } from '#domain/sources/debezium.ts';
import { type RawCodec, rawCodec } from '#domain/sources/raw-codec.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import { compileValidator, type EventValidator } from '#domain/sources/validate-event.ts';
import { parseDuration } from '#domain/values/duration.ts';
import { createDedupe, type Dedupe } from './dedupe.ts';

export const DEFAULT_DEDUPE_WINDOW = '1h';

export interface SourceIngest {
  readonly definition: SourceDefinition;
  readonly version: number;
  /** an event from a change record; null: events come as they are */
  readonly readChange: ReturnType<typeof debeziumReader> | null;
  readonly validate: EventValidator;
  readonly codec: RawCodec;
  readonly topic: string;
  readonly rejected: string;
  readonly resentTopic: string;
  /** of dimensions only */
  readonly snapshotTopic: string;
  readonly snapshotSchemaId: number;
  readonly partitions: number;
  /** fields that an event's partition is chosen by; null: its id, or else the whole event */
  readonly partitionBy: readonly string[] | null;
  readonly schemaId: number;
  readonly rejectedSchemaId: number;
  readonly resentSchemaId: number;
  readonly dedupe: Dedupe | null;
}

export interface IngestDependencies {
  readonly log: Log;
  readonly schemas: SchemaRegistry;
  readonly now: () => number;
}

/**
 * Reads the ids of the last window from the log, so that a restart forgets none. Each record is
 * read by the schema that wrote it, because the source may have been revised within the window.
 */
const rebuildDedupe = async (
  definition: SourceDefinition,
  { log, schemas, now }: IngestDependencies,
): Promise<Dedupe | null> => {
  const idField = definition.eventId;
  if (idField === undefined) return null;
  const windowMs = parseDuration(definition.dedupeWindow ?? DEFAULT_DEDUPE_WINDOW);
  const dedupe = createDedupe(windowMs);
  const topic = rawTopic(definition.name);
  const since = now() - windowMs;
  const codecs = new Map<number, RawCodec>();
  const codecOf = async (schemaId: number): Promise<RawCodec> => {
    const codec = rawCodec(definition, await schemas.schema(schemaId));
    codecs.set(schemaId, codec);
    return codec;
  };
  const [starts, ends] = await Promise.all([log.offsetsAt(topic, since), log.end(topic)]);
  for (const [partition, end] of ends.entries()) {
    const range = { from: starts[partition] ?? 0, end };
    for await (const records of readPartition(log, topic, partition, range)) {
      for (const record of records) {
        const codec = codecs.get(record.schemaId) ?? (await codecOf(record.schemaId));
        const id = codec.decode(record.value)[idField];
        if (id !== null && id !== undefined) dedupe.add(String(id), record.logTime);
      }
    }
  }
  return dedupe;
};

export const openSourceIngest = async (
  definition: SourceDefinition,
  version: number,
  dependencies: IngestDependencies,
  previous: SourceIngest | null,
): Promise<SourceIngest> => {
  const { log, schemas } = dependencies;
  const topic = rawTopic(definition.name);
  const rejected = rejectedTopic(definition.name);
  const partitions = definition.partitions ?? 1;
  await log.createTopic(topic, { partitions });
  await log.createTopic(rejected, { partitions: 1 });
  const resent = resentTopic(definition.name);
  await log.createTopic(resent, { partitions: 1 });
  const codec = rawCodec(definition);
  const snapshots = snapshotTopic(definition.name);
  const isDimension = definition.dimension !== undefined;
  if (isDimension) await log.createTopic(snapshots, { partitions: 1 });
  const sameIds =
    previous !== null &&
    previous.definition.eventId === definition.eventId &&
    previous.definition.dedupeWindow === definition.dedupeWindow;
  return {
    definition,
    version,
    readChange: definition.changes === undefined ? null : debeziumReader(definition),
    validate: compileValidator(definition),
    codec,
    topic,
    rejected,
    resentTopic: resent,
    snapshotTopic: snapshots,
    snapshotSchemaId: isDimension
      ? await schemas.register(`${snapshots}-value`, snapshotTakenSchema)
      : -1,
    partitions,
    partitionBy: definition.partitionBy ?? definition.dimension?.key ?? null,
    schemaId: await schemas.register(`${topic}-value`, rawAvroSchema(definition)),
    rejectedSchemaId: await schemas.register(`${rejected}-value`, rejectedEventSchema),
    resentSchemaId: await schemas.register(`${resent}-value`, resentEventSchema),
    dedupe: sameIds ? previous.dedupe : await rebuildDedupe(definition, dependencies),
  };
};
