/**
 * Plans a group of appends as one transaction: which appends are part of it, where the records of
 * each are, and the answer to each.
 */
import { nextSequence } from '#domain/events/producer-sequence.ts';
import type { Append, Appended, OutgoingRecord } from '#domain/ports/log.ts';
import { frame } from '#infra/kafka/framing.ts';
import { claimKey, claimMessage, type ProducerClaims } from '#infra/kafka/producer-claims.ts';
import type { Batch, GroupOffsets, PartitionPlan } from '#infra/kafka/transactor.ts';
import type { OutgoingMessage } from '#infra/kafka/wire/transactional-producer.ts';

export const MAX_RECORD_BYTES = 16 * 1024 * 1024;
/** The target size; a larger record is a batch of its own. */
const BATCH_BYTES = 1024 * 1024;

interface Place {
  readonly topic: string;
  readonly partition: number;
  batch: Batch;
  /** index within the batch of the append's last record there */
  index: number;
}

export interface AppendPlan {
  /** @throws MR_PRODUCER_SEQUENCE; then no part of the append is in the plan */
  add(batch: Append): () => Appended;
  readonly partitions: () => readonly PartitionPlan[];
  readonly positions: () => readonly GroupOffsets[];
  readonly claims: () => ReadonlySet<string>;
  readonly claimsOffset: () => number;
  readonly topics: () => ReadonlySet<string>;
  readonly isEmpty: () => boolean;
}

export interface PlanNames {
  readonly topic: (name: string) => string;
  readonly group: (consumer: string) => string;
  readonly producers: string;
}

/** @param claims null if no append has a producer */
export const appendPlan = (
  claims: ProducerClaims | null,
  names: PlanNames,
  now: () => number,
): AppendPlan => {
  const plans = new Map<string, PartitionPlan>();
  const topics = new Set<string>();
  const positions = new Map<string, Map<string, GroupOffsets['offsets'][number]>>();
  const claimed = new Map<
    string,
    { readonly producer: string; readonly topic: string; readonly next: number }
  >();
  let claimsPlan: PartitionPlan | null = null;

  const put = (topic: string, partition: number, message: OutgoingMessage): Batch => {
    const key = `${topic}/${partition}`;
    let plan = plans.get(key);
    if (plan === undefined) plans.set(key, (plan = { topic, partition, batches: [] }));
    const bytes = message.value.length + (message.key?.length ?? 0) + 16;
    let batch = plan.batches.at(-1);
    if (batch === undefined || (batch.bytes + bytes > BATCH_BYTES && batch.messages.length > 0)) {
      batch = { messages: [], bytes: 0, baseOffset: -1, logTime: 0 };
      plan.batches.push(batch);
    }
    batch.messages.push(message);
    batch.bytes += bytes;
    return batch;
  };

  const putRecords = (records: readonly OutgoingRecord[]): readonly Place[] => {
    const places = new Map<string, Place>();
    for (const { topic, partition, key, value, schemaId, headers } of records) {
      topics.add(topic);
      const plain = { key: key === null ? null : Buffer.from(key), value: frame(schemaId, value) };
      const message = headers === undefined ? plain : { ...plain, headers };
      const batch = put(names.topic(topic), partition, message);
      const place = places.get(`${topic}/${partition}`);
      const index = batch.messages.length - 1;
      if (place === undefined)
        places.set(`${topic}/${partition}`, { topic, partition, batch, index });
      else Object.assign(place, { batch, index });
    }
    return [...places.values()];
  };

  return {
    add(batch) {
      let next: number | 'duplicate' | null = null;
      if (batch.producer !== undefined) {
        const { id, topic } = batch.producer;
        next = nextSequence(
          batch.producer,
          claimed.get(claimKey(id, topic))?.next ?? claims?.next(id, topic) ?? 0,
        );
        if (next !== 'duplicate') claimed.set(claimKey(id, topic), { producer: id, topic, next });
      }
      if (next === 'duplicate') return () => ({ logTime: now(), ends: [], duplicate: true });
      const places = putRecords(batch.records);
      for (const { consumer, topic, partition, offset } of batch.positions ?? []) {
        const group = positions.get(consumer) ?? new Map();
        positions.set(consumer, group);
        group.set(`${topic}/${partition}`, { topic: names.topic(topic), partition, offset });
      }
      return () => ({
        logTime: places.reduce((latest, { batch: b }) => Math.max(latest, b.logTime), 0) || now(),
        ends: places.map(({ topic, partition, batch: b, index }) => ({
          topic,
          partition,
          offset: b.baseOffset + index + 1,
        })),
        duplicate: false,
      });
    },
    partitions() {
      if (claimsPlan === null && claimed.size > 0) {
        for (const { producer, topic, next } of claimed.values())
          put(names.producers, 0, claimMessage(producer, topic, next));
        claimsPlan = plans.get(`${names.producers}/0`) ?? null;
      }
      return [...plans.values()];
    },
    positions: () =>
      [...positions].map(([consumer, offsets]) => ({
        group: names.group(consumer),
        offsets: [...offsets.values()],
      })),
    claims: () => new Set(claimed.keys()),
    claimsOffset: () => claimsPlan?.batches[0]?.baseOffset ?? 0,
    topics: () => topics,
    isEmpty: () => plans.size === 0 && positions.size === 0 && claimed.size === 0,
  };
};
