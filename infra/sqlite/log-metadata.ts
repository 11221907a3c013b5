/**
 * The log's metadata in memory: partitions with their ends, positions and producers' sequences, as
 * committed. There is one writing process (the data directory's lock), so memory and tables agree;
 * it changes only after a commit.
 */
import { MillraceError } from '#domain/errors.ts';
import type { ConsumerPosition } from '#domain/ports/log.ts';
import type { LogPartition } from '#domain/ports/stream-task.ts';
import type { LogReads, PartitionRow } from '#infra/sqlite/log-tables.ts';

export interface Partition extends LogPartition {
  readonly id: number;
  begin: number;
  archived: boolean;
  /** log time of the newest record that was trimmed, epoch ms; 0: none was */
  trimmedTime: number;
  end: number;
}

export interface LogMetadata {
  /** null: no such topic */
  find(topic: string): readonly Partition[] | null;
  /** @throws MR_NOT_FOUND */
  topic(topic: string): readonly Partition[];
  topics(): readonly { readonly topic: string; readonly partitions: number }[];
  add(row: PartitionRow): void;
  /** From now on, these topics are archived. */
  archive(has: (topic: string) => boolean): void;
  position(consumer: string, topic: string, partition: number): number;
  setPosition(position: ConsumerPosition): void;
  producer(id: string, topic: string): number;
  setProducer(id: string, topic: string, next: number): void;
}

export const logMetadata = (reads: LogReads): LogMetadata => {
  const byTopic = new Map<string, Partition[]>();
  const positions = new Map<string, Map<string, number[]>>();
  const producers = new Map<string, Map<string, number>>();

  let isArchived = (_topic: string): boolean => false;
  const add = (row: PartitionRow): void => {
    const partition: Partition = { ...row, archived: isArchived(row.topic) };
    const list = byTopic.get(partition.topic);
    if (list === undefined) byTopic.set(partition.topic, [partition]);
    else list.push(partition);
  };
  for (const row of reads.partitions()) add(row);

  const positionsOf = (consumer: string, topic: string): number[] => {
    let topics = positions.get(consumer);
    if (topics === undefined) positions.set(consumer, (topics = new Map()));
    let list = topics.get(topic);
    if (list === undefined) {
      topics.set(topic, (list = []));
      for (const { partition, next } of reads.positions(consumer, topic)) list[partition] = next;
    }
    return list;
  };

  const sequencesOf = (id: string): Map<string, number> => {
    let topics = producers.get(id);
    if (topics === undefined) producers.set(id, (topics = new Map()));
    return topics;
  };

  return {
    find: (topic) => byTopic.get(topic) ?? null,
    topic(topic) {
      const found = byTopic.get(topic);
      if (found === undefined)
        throw new MillraceError('MR_NOT_FOUND', `The log has no topic "${topic}".`, { topic });
      return found;
    },
    topics: () => [...byTopic].map(([topic, list]) => ({ topic, partitions: list.length })),
    add,
    archive(has) {
      isArchived = has;
      for (const [topic, list] of byTopic)
        for (const partition of list) partition.archived = has(topic);
    },
    position: (consumer, topic, partition) => positionsOf(consumer, topic)[partition] ?? 0,
    setPosition({ consumer, topic, partition, offset }) {
      positionsOf(consumer, topic)[partition] = offset;
    },
    producer(id, topic) {
      const topics = sequencesOf(id);
      let next = topics.get(topic);
      if (next === undefined) topics.set(topic, (next = reads.producer(id, topic)));
      return next;
    },
    setProducer(id, topic, next) {
      sequencesOf(id).set(topic, next);
    },
  };
};
