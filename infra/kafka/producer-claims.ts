/**
 * Exactly-once producing over restarts and over several gateways.
 *
 * The next sequence of each (topic, producer) is a record of one compacted topic of one partition,
 * written in the transaction of the records that it counts: both are there or neither. What is left
 * is two gateways that take the same producer at once, each believing that 100 is next. Kafka has
 * no compare-and-set, but the order of that one partition is one:
 *
 *   1. each writes its claim inside its open transaction; the partition orders the claims, say A's
 *      before B's;
 *   2. each reads, undecided records included, what lies between what it knew and its own claim;
 *   3. a gateway that finds a claim of the same producer there aborts: its count may be stale. A
 *      finds none and commits; B aborts, waits until A's claim is decided, reads it, and answers
 *      anew: a duplicate, a gap, or, where A was aborted, its turn.
 *
 * Two cannot both commit: the later claim always sees the earlier one, for a write is acknowledged
 * after all that lies before it. They cannot both abort for each other's sake either: the earliest
 * claim never aborts on account of a later one. No lock, no lease, no clock. The cost is one fetch
 * of an empty tail for a group of appends, where a single gateway works. A gateway that dies in the
 * middle holds its producers until the broker aborts its transaction (the transaction's timeout),
 * or until it starts again under its name.
 */
import type { Partitions } from '#infra/kafka/partitions.ts';
import type { OutgoingMessage } from '#infra/kafka/wire/transactional-producer.ts';

export interface ProducerClaims {
  /** Reads what is decided: after it, `next` is at least what it was when the call began. */
  catchUp(): Promise<void>;
  next(producer: string, topic: string): number;
  /** True: no claim of these keys lies between what `catchUp` read and `offset`, where ours are. */
  unrivalled(keys: ReadonlySet<string>, offset: number): Promise<boolean>;
}

const READ_BYTES = 4 * 1024 * 1024;

/** A topic's name holds no line break. */
export const claimKey = (producer: string, topic: string): string => `${topic}\n${producer}`;

export const claimMessage = (producer: string, topic: string, next: number): OutgoingMessage => ({
  key: Buffer.from(claimKey(producer, topic)),
  value: Buffer.from(String(next)),
});

export const producerClaims = (partitions: Partitions, producersTopic: string): ProducerClaims => {
  const at = { topic: producersTopic, partition: 0 };
  const sequences = new Map<string, number>();
  let read = 0;
  let reading: Promise<void> | null = null;

  const readOn = async (): Promise<void> => {
    for (;;) {
      const { messages, next, atEnd } = await partitions.fetch(at, read, { maxBytes: READ_BYTES });
      for (const { key, value } of messages) {
        if (key !== null && value !== null) sequences.set(key.toString(), Number(value.toString()));
      }
      read = next;
      if (atEnd) return;
    }
  };

  return {
    async catchUp() {
      // a read under way may have begun before what the caller knows of was decided: read after it,
      // not with it
      while (reading !== null) await reading;
      reading = readOn().finally(() => {
        reading = null;
      });
      await reading;
    },
    next: (producer, topic) => sequences.get(claimKey(producer, topic)) ?? 0,
    async unrivalled(keys, offset) {
      for (let from = read; from < offset; ) {
        const { messages, next, atEnd } = await partitions.fetch(at, from, {
          maxBytes: READ_BYTES,
          uncommitted: true,
        });
        const rivals = messages.some(
          (m) => m.offset < offset && m.key !== null && keys.has(m.key.toString()),
        );
        if (rivals) return false;
        if (atEnd || next === from) return true;
        from = next;
      }
      return true;
    },
  };
};
