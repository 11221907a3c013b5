/**
 * The consumer protocol: the subscription of a group's member, and the assignment by the group's
 * leader. The name and the format are those of kafkajs's round-robin assigner, so members of older
 * releases, which used kafkajs, can share a group with this one during a rolling upgrade.
 */
import { Reader, Writer } from '@platformatic/kafka';
import type { TopicPartition } from '#infra/kafka/wire/address.ts';
import { byTopic } from '#infra/kafka/wire/by-topic.ts';

export const PROTOCOL_TYPE = 'consumer';
export const PROTOCOL_NAME = 'RoundRobinAssigner';

const VERSION = 0;
const NO_USER_DATA = Buffer.alloc(0);

export const encodeSubscription = (topics: readonly string[]): Buffer =>
  Writer.create()
    .appendInt16(VERSION)
    .appendArray([...topics], (writer, topic) => writer.appendString(topic, false), false, false)
    .appendBytes(NO_USER_DATA, false).buffer;

export const encodeAssignment = (at: readonly TopicPartition[]): Buffer =>
  Writer.create()
    .appendInt16(VERSION)
    .appendArray(
      byTopic(at, ({ partition }) => partition),
      (writer, { name, partitions }) => {
        writer
          .appendString(name, false)
          .appendArray(partitions, (w, partition) => w.appendInt32(partition), false, false);
      },
      false,
      false,
    )
    .appendBytes(NO_USER_DATA, false).buffer;

/** A member without partitions may receive no bytes at all. */
export const decodeAssignment = (bytes: Buffer): readonly TopicPartition[] => {
  if (bytes.length === 0) return [];
  const reader = Reader.from(bytes);
  reader.readInt16();
  return reader
    .readArray(
      () => {
        const topic = reader.readString(false);
        const partitions = reader.readArray(() => reader.readInt32(), false, false);
        return partitions.map((partition) => ({ topic, partition }));
      },
      false,
      false,
    )
    .flat();
};

/** The nth partition goes to the nth member, in the order of their ids. */
export const roundRobin = (
  memberIds: readonly string[],
  partitions: readonly TopicPartition[],
): readonly { readonly memberId: string; readonly assignment: Buffer }[] => {
  const members = [...memberIds].sort();
  return members.map((memberId, i) => ({
    memberId,
    assignment: encodeAssignment(partitions.filter((_, n) => n % members.length === i)),
  }));
};
