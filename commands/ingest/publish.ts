/**
 * Publishing raw events: validate, leave out duplicates, append. Invalid events go to
 * rejected.<source> in the same append, so an answer accounts for every event that was sent. They
 * are durable when the answer is given.
 */

import type { Caller } from '#domain/api/caller.ts';
import type { PublishRequest, PublishResult } from '#domain/api/publishing.ts';
import type { Appended, Log } from '#domain/ports/log.ts';
import type { Imports } from '#domain/sources/knowledge.ts';
import { type IngestedBatch, ingestBatch, positionAfter } from './ingest-batch.ts';
import { createProducerOrder, type ProducerOrder } from './producer-order.ts';
import type { SourceIngest } from './source-ingest.ts';

interface PublishDependencies {
  readonly log: Log;
  /** @throws MR_UNKNOWN_SOURCE */
  readonly ingest: (source: string) => Promise<SourceIngest>;
  readonly now: () => number;
}

/** How an import differs from publishing live events. */
interface Importing {
  readonly rules: Imports;
  /** called with what will be appended */
  readonly beforeAppend: (batch: IngestedBatch) => Promise<void>;
}

export type Publish = (
  request: PublishRequest,
  caller: Caller,
  importing?: Importing,
) => Promise<PublishResult>;

export const createPublish = ({ log, ingest, now }: PublishDependencies): Publish => {
  const orders = new Map<string, ProducerOrder>();
  const orderOf = (topic: string): ProducerOrder => {
    let order = orders.get(topic);
    if (order === undefined) {
      order = createProducerOrder((producer) => log.producerSequence(producer, topic));
      orders.set(topic, order);
    }
    return order;
  };
  /** How many events at the head of this batch the log already has from its producer. */
  const alreadyAppended = async (
    source: SourceIngest,
    { producer, events }: PublishRequest,
  ): Promise<number> => {
    if (producer === undefined) return 0;
    const order = orderOf(source.topic);
    const next = await order.turn(producer.id, producer.sequence);
    const end = producer.sequence + events.length;
    if (end > next) order.advance(producer.id, end);
    return Math.min(next - producer.sequence, events.length);
  };

  return async (request, caller, importing) => {
    const source = await ingest(request.source);
    const { events } = request;
    const skip = await alreadyAppended(source, request);
    const time = now();
    const batch = ingestBatch(source, events.slice(skip), time, caller, importing?.rules);
    const rejected = batch.rejected.map((event) => ({ ...event, index: event.index + skip }));
    let { accepted } = batch;
    let duplicates = batch.duplicates + skip;

    let written: Appended['ends'] = [];
    try {
      // An answer of "duplicate" must be durable, too. An empty append resolves after the append
      // that contains the first copy.
      if (events.length > 0) {
        await importing?.beforeAppend(batch);
        const { producer } = request;
        const { ends, duplicate } = await log.append({
          records: batch.records,
          ...(producer === undefined || skip === events.length
            ? {}
            : {
                producer: {
                  id: producer.id,
                  topic: source.topic,
                  sequence: producer.sequence + skip,
                  count: events.length - skip,
                },
              }),
        });
        written = ends.filter(({ topic }) => topic === source.topic);
        if (duplicate) {
          // Another gateway has appended the batch, with its rejected events.
          accepted = 0;
          duplicates = events.length;
          rejected.length = 0;
          if (producer !== undefined) orderOf(source.topic).reset(producer.id);
        }
      }
    } catch (error) {
      batch.undo();
      if (request.producer !== undefined) orderOf(source.topic).reset(request.producer.id);
      throw error;
    }
    return {
      accepted,
      duplicates,
      rejected,
      position: await positionAfter(log, source.topic, written, duplicates > 0),
    };
  };
};
