/**
 * What kafkajs 2.2.4 gets wrong and its last release left, put right in this process for its own
 * clients and for us. Each is done once, on a class that it does not change after loading, so the
 * order of imports does not matter.
 */
import { createRequire } from 'node:module';
import { type FetchedRecords, hideAborted } from '#infra/kafka/aborted-records.ts';

const require = createRequire(import.meta.url);
const REPAIRED = Symbol.for('millrace.kafkajs.repaired');

type Fetch = (
  request: object,
) => Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedRecords[] }[] }>;
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const once = (prototype: object, repair: () => void): void => {
  if (REPAIRED in prototype) return;
  Object.defineProperty(prototype, REPAIRED, { value: true });
  repair();
};

/** Records of aborted transactions came out where transactions interleave: aborted-records.ts. */
const repairFetch = (broker: { fetch: Fetch }): void => {
  const { fetch } = broker;
  broker.fetch = async function (this: object, request) {
    const answer = await fetch.call(this, request);
    for (const { partitions } of answer.responses)
      for (const partition of partitions) hideAborted(partition);
    return answer;
  };
};

/**
 * An idle connection looked for waiting requests a thousand times a second, by a timeout that had
 * come out negative.
 */
const repairQueue = (queue: RequestQueue): void => {
  const schedule = queue.scheduleCheckPendingRequests;
  queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
};

export const repairKafkajs = (): void => {
  const broker = (require('kafkajs/src/broker') as { readonly prototype: { fetch: Fetch } })
    .prototype;
  const queue = (
    require('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue }
  ).prototype;
  once(broker, () => repairFetch(broker));
  once(queue, () => repairQueue(queue));
};
