/**
 * Groups the appends that arrive during a transaction into the next transaction, so a slow commit
 * does not limit throughput to one append at a time. Only one transaction runs at a time, so
 * appends keep their order, which a producer's sequences need.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '#domain/errors.ts';
import type { Append, Appended } from '#domain/ports/log.ts';
import {
  type AppendPlan,
  appendPlan,
  MAX_RECORD_BYTES,
  type PlanNames,
} from '#infra/kafka/append-plan.ts';
import { logClosed, unavailable } from '#infra/kafka/kafka-error.ts';
import type { Partitions } from '#infra/kafka/partitions.ts';
import type { ProducerClaims } from '#infra/kafka/producer-claims.ts';
import type { Transactor } from '#infra/kafka/transactor.ts';

interface Request {
  readonly batch: Append;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommit {
  append(batch: Append): Promise<Appended>;
  /** Refuses further appends, and waits for those already requested. */
  close(): Promise<void>;
}

export interface GroupCommitOptions {
  readonly partitions: Partitions;
  readonly claims: ProducerClaims;
  readonly transactor: Transactor;
  readonly names: PlanNames;
  readonly now: () => number;
  readonly brokers: readonly string[];
  readonly retryForMs: number;
  readonly notify: (topics: ReadonlySet<string>) => void;
}

const GROUP_BYTES = 8 * 1024 * 1024;

export const groupCommit = (options: GroupCommitOptions): GroupCommit => {
  const { partitions, claims, transactor, names, now, brokers, retryForMs, notify } = options;
  const pending: Request[] = [];
  let working: Promise<void> | null = null;
  let closed = false;

  const check = async ({ records, positions, producer }: Append): Promise<void> => {
    const widest = new Map<string, number>();
    for (const { topic, partition, key, value } of records) {
      if (partition > (widest.get(topic) ?? -1)) widest.set(topic, partition);
      if (!(partition >= 0)) throw noPartition(topic, partition, widest.get(topic) ?? 0);
      if (value.length + (key?.length ?? 0) > MAX_RECORD_BYTES) {
        throw new MillraceError(
          'MR_EVENT_TOO_LARGE',
          `A record of topic "${topic}" has ${value.length} bytes; the log takes up to ${MAX_RECORD_BYTES}.`,
          { topic, limit: MAX_RECORD_BYTES },
        );
      }
    }
    for (const { topic } of positions ?? []) if (!widest.has(topic)) widest.set(topic, -1);
    if (producer !== undefined && !widest.has(producer.topic)) widest.set(producer.topic, -1);
    for (const [topic, partition] of widest) {
      let count = await partitions.count(names.topic(topic));
      if (partition >= count) count = await partitions.refresh(names.topic(topic));
      if (partition >= count) throw noPartition(topic, partition, count);
    }
  };

  const nextGroup = (): Request[] => {
    let bytes = 0;
    let count = 0;
    for (const { batch } of pending) {
      for (const { value } of batch.records) bytes += value.length;
      if (count > 0 && bytes > GROUP_BYTES) break;
      count++;
    }
    return pending.splice(0, count);
  };

  interface Staged {
    readonly request: Request;
    readonly answer: () => Appended;
  }
  const stage = (plan: AppendPlan, requests: readonly Request[]): readonly Staged[] =>
    requests.flatMap((request) => {
      try {
        return [{ request, answer: plan.add(request.batch) }];
      } catch (refused) {
        request.reject(refused);
        return [];
      }
    });

  const commit = async (requests: readonly Request[]): Promise<void> => {
    const deadline = performance.now() + retryForMs;
    for (let pause = 1; ; pause = Math.min(pause * 2, 100)) {
      if (requests.some(({ batch }) => batch.producer !== undefined)) await claims.catchUp();
      const plan = appendPlan(claims, names, now);
      // an append that is refused here is final, and is not tried again
      const staged = stage(plan, requests);
      requests = staged.map(({ request }) => request);
      const keys = plan.claims();
      const outcome = plan.isEmpty()
        ? 'committed'
        : await transactor.transact({
            partitions: plan.partitions(),
            positions: plan.positions(),
            ...(keys.size === 0
              ? {}
              : { confirm: () => claims.unrivalled(keys, plan.claimsOffset()) }),
          });
      if (outcome === 'committed') {
        for (const { request, answer } of staged) request.resolve(answer());
        if (plan.topics().size > 0) notify(plan.topics());
        return;
      }
      if (performance.now() > deadline)
        throw unavailable(
          'appending: another gateway uses the producer in an open transaction',
          brokers,
          'it was not appended',
        );
      await sleep(pause * (0.5 + Math.random()));
    }
  };

  const work = async (): Promise<void> => {
    while (pending.length > 0) {
      const requests = nextGroup();
      try {
        const valid: Request[] = [];
        for (const request of requests) {
          try {
            await check(request.batch);
            valid.push(request);
          } catch (refused) {
            request.reject(refused);
          }
        }
        if (valid.length > 0) await commit(valid);
      } catch (error) {
        for (const { reject } of requests) reject(error);
      }
    }
    working = null;
  };

  return {
    append: (batch) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(logClosed());
        pending.push({ batch, resolve, reject });
        // appends of one turn of the event loop form one group
        working ??= new Promise<void>((done) => setImmediate(done)).then(work);
      }),
    async close() {
      closed = true;
      await working;
    },
  };
};

const noPartition = (topic: string, partition: number, count: number): MillraceError =>
  new MillraceError(
    'MR_NOT_FOUND',
    `Topic "${topic}" has no partition ${partition}; it has ${count}.`,
    { topic, partition },
  );
