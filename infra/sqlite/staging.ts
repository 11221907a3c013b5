/**
 * What one transaction will write, gathered in memory with its offsets, before anything touches the
 * tables. A part that is refused or whose task threw is not staged, so nothing has to be undone,
 * and the transaction itself is a few inserts and one fsync.
 */
import { MillraceError } from '#domain/errors.ts';
import { nextSequence } from '#domain/events/producer-sequence.ts';
import type {
  Append,
  Appended,
  ConsumerPosition,
  LogRecord,
  OutgoingRecord,
} from '#domain/ports/log.ts';
import type { OpenTransaction } from '#domain/ports/stream-task.ts';
import { encodeBatches } from '#infra/sqlite/batch-codec.ts';
import type { Followers } from '#infra/sqlite/followers.ts';
import type { LogMetadata, Partition } from '#infra/sqlite/log-metadata.ts';
import type { LogWrites } from '#infra/sqlite/log-tables.ts';
import type { PastPosition } from '#infra/sqlite/past-tables.ts';

export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

export interface Staging extends OpenTransaction {
  /** Checks the whole batch, then stages it; throws without having staged any. */
  append(batch: Append): Appended;
  after(partition: Partition, offset: number): LogRecord[];
  isEmpty(): boolean;
  write(writes: LogWrites): void;
  /** After the commit: brings the metadata up to date. Returns the topics written. */
  settle(): ReadonlySet<string>;
}

interface Producing {
  readonly id: string;
  readonly topic: string;
  readonly next: number;
}

export const createStaging = (
  metadata: LogMetadata,
  followers: Followers,
  logTime: number,
): Staging => {
  const records = new Map<Partition, OutgoingRecord[]>();
  const positions = new Map<string, ConsumerPosition>();
  const producers = new Map<string, Producing>();
  let following: readonly PastPosition[] = [];

  const endOf = (partition: Partition): number =>
    partition.end + (records.get(partition)?.length ?? 0);

  const check = (batch: Append): void => {
    let topic: string | null = null;
    let partitions = 0;
    for (const record of batch.records) {
      if (record.topic !== topic) {
        topic = record.topic;
        partitions = metadata.topic(topic).length;
      }
      if (!(record.partition >= 0 && record.partition < partitions)) {
        throw new MillraceError(
          'MR_NOT_FOUND',
          `Topic "${topic}" has no partition ${record.partition}; it has ${partitions}.`,
          {
            topic,
            partition: record.partition,
          },
        );
      }
      if (record.value.length + (record.key?.length ?? 0) > MAX_RECORD_BYTES) {
        throw new MillraceError(
          'MR_EVENT_TOO_LARGE',
          `A record of topic "${topic}" has ${record.value.length} bytes; the log takes up to ${MAX_RECORD_BYTES}.`,
          { topic, limit: MAX_RECORD_BYTES },
        );
      }
    }
  };

  const produce = (batch: Append): Producing | 'duplicate' | null => {
    if (batch.producer === undefined) return null;
    const { id, topic } = batch.producer;
    const expected = producers.get(`${id}\n${topic}`)?.next ?? metadata.producer(id, topic);
    const next = nextSequence(batch.producer, expected);
    return next === 'duplicate' ? next : { id, topic, next };
  };

  const ends = (batch: Append): Appended['ends'] => {
    const touched = new Set<Partition>();
    for (const record of batch.records)
      touched.add(metadata.topic(record.topic)[record.partition] as Partition);
    return [...touched].map((partition) => ({
      topic: partition.topic,
      partition: partition.partition,
      offset: endOf(partition),
    }));
  };

  const stage = (batch: Append): void => {
    let topic: string | null = null;
    let number = -1;
    let list: OutgoingRecord[] = [];
    for (const record of batch.records) {
      if (record.topic !== topic || record.partition !== number) {
        topic = record.topic;
        number = record.partition;
        const partition = metadata.topic(topic)[number] as Partition;
        list = records.get(partition) ?? [];
        records.set(partition, list);
      }
      list.push(record);
    }
    for (const position of batch.positions ?? [])
      positions.set(`${position.consumer}\n${position.topic}\n${position.partition}`, position);
  };

  return {
    logTime,
    append(batch) {
      check(batch);
      const producing = produce(batch);
      if (producing === 'duplicate') return { logTime, ends: ends(batch), duplicate: true };
      stage(batch);
      if (producing !== null) producers.set(`${producing.id}\n${producing.topic}`, producing);
      return { logTime, ends: ends(batch), duplicate: false };
    },
    after(partition, offset) {
      const staged = records.get(partition);
      const found: LogRecord[] = [];
      if (staged === undefined) return found;
      for (let i = Math.max(0, offset - partition.end); i < staged.length; i++) {
        const {
          topic,
          partition: number,
          key,
          value,
          schemaId,
          decoded,
          headers,
        } = staged[i] as OutgoingRecord;
        const record = {
          topic,
          partition: number,
          key,
          value,
          schemaId,
          decoded,
          offset: partition.end + i,
          logTime,
        };
        found.push(headers === undefined ? record : { ...record, headers });
      }
      return found;
    },
    isEmpty: () => records.size === 0 && positions.size === 0 && producers.size === 0,
    write(writes) {
      for (const [partition, list] of records) {
        let base = partition.end;
        for (const batch of encodeBatches(list)) {
          writes.batch(partition, base, logTime, batch);
          base += batch.count;
        }
      }
      for (const position of positions.values()) writes.position(position);
      following = followers.changes(records, positions);
      for (const position of following) writes.past.position(position, logTime);
      for (const { id, topic, next } of producers.values()) {
        writes.producer(id, topic, next);
        writes.past.sequence({ producer: id, topic, next }, logTime);
      }
    },
    settle() {
      const topics = new Set<string>();
      for (const [partition, list] of records) {
        partition.end += list.length;
        topics.add(partition.topic);
      }
      for (const position of positions.values()) metadata.setPosition(position);
      followers.settle(following);
      for (const { id, topic, next } of producers.values()) metadata.setProducer(id, topic, next);
      return topics;
    },
  };
};
