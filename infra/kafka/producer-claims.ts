/**
 * Exactly-once producing over restarts and over several gateways.
 *
 * The next sequence of each (topic, producer) is a record in a compacted topic of one partition. It
 * is written in the transaction of the records that it counts, so both are committed or neither.
 * One case remains: two gateways get batches of the same producer at the same time, and for both
 * the next sequence is 100. Kafka has no compare-and-set, but the order of the records in that one
 * partition serves as one:
 *
 *   1. Each gateway writes its claim in its open transaction. The partition orders the claims, for
 *      example A's before B's.
 *   2. Each reads the records between its last read and its own claim, undecided ones included.
 *   3. A gateway that finds a claim of the same producer there aborts, because its count may be
 *      stale. A finds none and commits. B aborts, waits until A's claim is decided, reads it and
 *      decides again: the batch is a duplicate, leaves a gap or, if A was aborted, can be appended.
 *
 * Two gateways cannot both commit: the later one always finds the earlier claim, because a write is
 * acknowledged after all records before it. They cannot both abort because of each other either:
 * the earliest claim never aborts because of a later one. There is no lock, lease or clock. With a
 * single gateway, the cost is one fetch without records per group of appends. If a gateway dies in
 * a transaction, its producers must wait until the broker aborts the transaction (its timeout) or
 * the gateway starts again under the same name.
 */
import type { Partitions } from '#infra/kafka/partitions.ts';
import type { OutgoingMessage } from '#infra/kafka/wire/transactional-producer.ts';

export interface ProducerClaims {
  /**
   * Reads the decided claims: after it, `next` includes every claim that was decided when the call
   * began.
   */
  catchUp(): Promise<void>;
  next(producer: string, topic: string): number;
  /**
   * True if no claim of these keys is between the records that `catchUp` read and `offset`, the
   * offset of this gateway's claims.
   */
  unrivalled(keys: ReadonlySet<string>, offset: number): Promise<boolean>;
}

const READ_BYTES = 4 * 1024 * 1024;

/** The separator is unambiguous, because a topic's name has no line break. */
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
      // a running read may have begun before the latest decision that the caller has seen, so
      // another read starts after it
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
