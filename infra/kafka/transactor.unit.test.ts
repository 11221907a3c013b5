/** A transaction on a broker that was just started: it does not coordinate transactions yet. */
import { type API, endTxnV3, initProducerIdV4, txnOffsetCommitV3 } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import type { Partitions } from './partitions.ts';
import { openTransactor, type TransactionPlan } from './transactor.ts';
import type { Cluster } from './wire/cluster.ts';
import { refused } from './wire/failure.ts';

type Api = API<unknown[], unknown>;

/** @param failures by request: how often it is refused first */
const transactorOn = (failures: Map<unknown, number>) => {
  const sent: unknown[] = [];
  const cluster = {
    async toCoordinator(_of: unknown, api: Api) {
      sent.push(api);
      const left = failures.get(api) ?? 0;
      failures.set(api, left - 1);
      if (left > 0) throw refused('the transaction', 'NOT_COORDINATOR');
      return { producerId: 1n, producerEpoch: 0 };
    },
    refresh: async () => {},
    refreshIfStale: async () => {},
  } as unknown as Cluster;
  const transactor = openTransactor({
    cluster,
    partitions: {} as Partitions,
    // Too short for any retry but those of a coordinator that is loading.
    retryPolicy: { brokers: [], retryForMs: 0, closed: () => false, refresh: async () => {} },
    transactionalId: 'gateway',
    transactionTimeoutMs: 10_000,
  });
  const times = (api: unknown): number => sent.filter((one) => one === api).length;
  return { transactor, times };
};

const at = { topic: 'raw.clicks', partition: 0 };
const positions = [{ group: 'job', offsets: [{ ...at, offset: 5 }] }];
const plan: TransactionPlan = { partitions: [], positions };

test('it waits for the coordinator', async () => {
  const { transactor, times } = transactorOn(new Map([[initProducerIdV4.api as unknown, 4]]));
  expect(await transactor.transact(plan)).toBe('committed');
  expect(times(initProducerIdV4.api)).toBe(5);
  expect(times(endTxnV3.api)).toBe(1);
});

test('a transaction that waited in vain for the coordinator of a group is aborted, and begun again', async () => {
  const { transactor, times } = transactorOn(new Map([[txnOffsetCommitV3.api as unknown, 3]]));
  expect(await transactor.transact(plan)).toBe('committed');
  expect(times(txnOffsetCommitV3.api)).toBe(4);
  expect(times(endTxnV3.api)).toBe(times(initProducerIdV4.api));
});

test('an abort that is refused while the coordinator loads is repeated', async () => {
  const { transactor, times } = transactorOn(new Map([[endTxnV3.api as unknown, 1]]));
  expect(await transactor.transact({ ...plan, confirm: async () => false })).toBe('refused');
  expect(times(endTxnV3.api)).toBeGreaterThan(1);
});
