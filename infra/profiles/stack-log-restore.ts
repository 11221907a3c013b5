/** Writes the log of a backup of the stack into a cluster that has no such topics yet. */
import { MillraceError } from '#domain/errors.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { isIngestTopic, OUTBOX_CONSUMER, REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import type { BackupDirectory } from '#infra/backup/backup-directory.ts';
import type { FileList } from '#infra/backup/catalog.ts';
import { type CopiedBatch, decodeBatches } from '#infra/kafka/copy/copied-batch.ts';
import { type CopiedPartition, type CutLog, cutBatches } from '#infra/kafka/copy/cut-batches.ts';
import type { BatchWriter } from '#infra/kafka/copy/write-batches.ts';
import { frame, UNFRAMED, unframe } from '#infra/kafka/framing.ts';
import { claimKey } from '#infra/kafka/producer-claims.ts';
import { PRODUCERS_TOPIC } from '#infra/kafka/topic-config.ts';
import { chunksOf, isAtomic, type StackMoment } from './stack-copy.ts';

export const copiedPartitions = (
  { content }: Pick<BackupDirectory, 'content'>,
  { files }: FileList,
  { topics }: StackMoment,
): readonly CopiedPartition[] => {
  const chunks = chunksOf(files);
  return topics.flatMap(({ topic, begin, end }) =>
    end.map((next, partition) => ({
      topic,
      partition,
      begin: begin[partition] ?? 0,
      end: next,
      async *batches() {
        for (const { file } of chunks(topic, partition))
          yield* await decodeBatches(await content.read(file, file.path));
      },
    })),
  );
};

/**
 * @throws MR_REFUSED where the log had trimmed what was there at the moment, or where the positions
 *   of the ingest workers at the moment are not known
 */
export const cutLog = async (
  partitions: readonly CopiedPartition[],
  moment: StackMoment,
  time: number,
): Promise<CutLog> => {
  const ingested = moment.ingest.find(({ offsets }) => offsets.some((offset) => offset > 0));
  if (time < moment.time && ingested !== undefined)
    throw new MillraceError(
      'MR_REFUSED',
      `The position of the ingest worker of ${ingested.topic} is known at ${new Date(moment.time).toISOString()} only, the time of the backup. Restore without --until, or from a backup made before.`,
      { topic: ingested.topic },
    );
  const cut = await cutBatches(partitions, Math.min(time, moment.time), isAtomic);
  const trimmed = cut.partitions.find(({ isTrimmed }) => isTrimmed);
  if (trimmed === undefined) return cut;
  const { topic, partition, begin } = trimmed.partition;
  throw new MillraceError(
    'MR_REFUSED',
    `The log of ${topic}, partition ${partition}, begins at offset ${begin}, after ${new Date(time).toISOString()}: earlier records were trimmed. Restore to a later moment, or from a backup made before.`,
    { topic, partition, begin },
  );
};

/** The batches of a partition that are kept and have records. */
export async function* keptBatches(
  { partition, end, hidden }: CutLog['partitions'][number],
  map: (batch: CopiedBatch) => CopiedBatch = (batch) => batch,
): AsyncGenerator<CopiedBatch> {
  for await (const batch of partition.batches()) {
    if (batch.first >= end) return;
    if (batch.records.length > 0 && !hidden.has(batch.first)) yield map(batch);
  }
}

/** How many commits of the registry the log has: it must not have more than the registry. */
export const publishedCommits = async (cut: CutLog): Promise<number> => {
  const key = claimKey(OUTBOX_CONSUMER, REGISTRY_TOPIC);
  let published = 0;
  for (const one of cut.partitions) {
    if (one.partition.topic !== PRODUCERS_TOPIC) continue;
    for await (const { records } of keptBatches(one))
      for (const record of records)
        if (record.key?.toString() === key) published = Number(record.value?.toString());
  }
  return published;
};

/** @returns the schemas' ids in this registry, by their ids in the backup */
export const restoreSchemas = async (
  registry: SchemaRegistry,
  { schemas }: StackMoment,
): Promise<ReadonlyMap<number, number>> => {
  const ids = new Map<number, number>();
  for (const { subject, id, schema } of schemas.toSorted((a, b) => a.version - b.version))
    ids.set(id, await registry.register(subject, schema));
  return ids;
};

const withIds = (topic: string, ids: ReadonlyMap<number, number>) => {
  if (topic === PRODUCERS_TOPIC) return (batch: CopiedBatch): CopiedBatch => batch;
  const idOf = (schemaId: number, offset: number): number => {
    const id = ids.get(schemaId) ?? (isIngestTopic(topic) ? schemaId : null);
    if (id !== null) return id;
    throw new MillraceError(
      'MR_DATA_DAMAGED',
      `The record ${offset} of ${topic} has the schema ${schemaId}, which the backup lacks.`,
      { topic, offset, schema: schemaId },
    );
  };
  return (batch: CopiedBatch): CopiedBatch => ({
    ...batch,
    records: batch.records.map((record) => {
      const { schemaId, value } = unframe(record.value);
      if (schemaId === UNFRAMED) return record;
      return { ...record, value: frame(idOf(schemaId, record.offset), value) };
    }),
  });
};

export interface LogRestoreOptions {
  readonly writer: BatchWriter;
  readonly cut: CutLog;
  readonly ingest: StackMoment['ingest'];
  readonly ids: ReadonlyMap<number, number>;
  /** before the names of topics and groups; default: none */
  readonly prefix?: string;
}

export const restoreLog = async (options: LogRestoreOptions): Promise<void> => {
  const { writer, cut, ingest, ids, prefix = '' } = options;
  const counts = new Map<string, number>();
  for (const { partition } of cut.partitions)
    counts.set(partition.topic, (counts.get(partition.topic) ?? 0) + 1);
  for (const [topic, count] of counts) await writer.createTopic(prefix + topic, count);
  for (const one of cut.partitions) {
    const { topic, partition, begin } = one.partition;
    await writer.writePartition({
      topic: prefix + topic,
      partition,
      begin,
      end: one.end,
      batches: keptBatches(one, withIds(topic, ids)),
    });
  }
  for (const topic of counts.keys()) await writer.finishTopic(prefix + topic);
  for (const { topic, offsets } of ingest)
    if (counts.has(topic) && offsets.some((offset) => offset > 0))
      await writer.commit(prefix + topic, prefix + topic, offsets);
};
