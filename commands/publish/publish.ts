/**
 * Publishing raw events: validate, leave out duplicates, append. What fails goes to rejected.<source> in the same append,
 * so that an answer accounts for every event that was sent. Durable when answered.
 */

import { fail } from '#domain/errors.ts';
import { formatPosition, type Log, type OutgoingRecord } from '#domain/ports/log.ts';
import type { Caller, PublishRequest, PublishResult, RejectedEvent } from '#domain/ports/platform.ts';
import { createProducerOrder, type ProducerOrder } from './producer-order.ts';
import { screenEvent } from './screen-event.ts';
import type { SourceIntake } from './source-intake.ts';

export interface PublishDependencies {
  readonly log: Log;
  /** null where there is no such source */
  readonly intake: (source: string) => Promise<SourceIntake | null>;
  readonly now: () => number;
}

export type Publish = (request: PublishRequest, caller: Caller) => Promise<PublishResult>;

export const createPublish = ({ log, intake, now }: PublishDependencies): Publish => {
  const orders = new Map<string, ProducerOrder>();
  const orderOf = (topic: string): ProducerOrder => {
    let order = orders.get(topic);
    if (order === undefined) {
      order = createProducerOrder((producer) => log.producerSequence(producer, topic));
      orders.set(topic, order);
    }
    return order;
  };
  /** How many of a producer's events were taken before: those at the head of this batch are left out. */
  const alreadyTaken = async (source: SourceIntake, { producer, events }: PublishRequest): Promise<number> => {
    if (producer === undefined) return 0;
    const order = orderOf(source.topic);
    const next = await order.turn(producer.id, producer.sequence);
    const end = producer.sequence + events.length;
    if (end > next) order.advance(producer.id, end);
    return Math.min(next - producer.sequence, events.length);
  };

  return async (request, caller) => {
    const source = await intake(request.source);
    if (source === null)
      return fail('MR_UNKNOWN_SOURCE', `there is no source "${request.source}": apply its definition first`, {
        source: request.source,
      });
    const { events } = request;
    const skip = await alreadyTaken(source, request);
    const time = now();
    const records: OutgoingRecord[] = [];
    const rejected: RejectedEvent[] = [];
    const ids: string[] = [];
    let duplicates = skip;
    let accepted = 0;

    for (let index = skip; index < events.length; index++) {
      const screened = screenEvent(source, events[index], time, caller.actor);
      if (screened.kind === 'duplicate') {
        duplicates++;
        continue;
      }
      records.push(screened.record);
      if (screened.kind === 'rejected') {
        const { code, field, message } = screened.reason;
        rejected.push({ index, code, message, ...(field === null ? {} : { field }) });
      } else {
        accepted++;
        if (screened.id !== null) ids.push(screened.id);
      }
    }

    try {
      // An answer of "duplicate" must be durable too: an empty append is a barrier behind the append that holds the first one.
      if (events.length > 0) {
        const { producer } = request;
        await log.append({
          records,
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
      }
    } catch (error) {
      for (const id of ids) source.dedupe?.remove(id);
      if (request.producer !== undefined) orderOf(source.topic).reset(request.producer.id);
      throw error;
    }
    const ends = await log.end(source.topic);
    return {
      accepted,
      duplicates,
      rejected,
      position: formatPosition(
        source.topic,
        ends.map((offset, partition) => ({ partition, offset })),
      ),
    };
  };
};
