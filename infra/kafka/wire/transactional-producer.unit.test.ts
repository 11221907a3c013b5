import { type API, endTxnV3 } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import type { Cluster } from './cluster.ts';
import { refused } from './failure.ts';
import { initProducer } from './transactional-producer.ts';

test('an abort that failed is sent again, and one that succeeded is not', async () => {
  const ends: boolean[] = [];
  let failures = 2;
  const cluster = {
    async toCoordinator(_of: unknown, api: API<unknown[], unknown>, ...args: unknown[]) {
      if (api !== endTxnV3.api) return { producerId: 1n, producerEpoch: 0 };
      ends.push(args.at(-1) as boolean);
      if (failures-- > 0) throw refused('the abort', 'CONCURRENT_TRANSACTIONS');
      return {};
    },
  } as unknown as Cluster;
  const producer = await initProducer(cluster, 'gateway', 10_000);
  await producer.end('abort');
  expect(ends, 'an empty transaction').toEqual([]);
  await producer.addPartitions([{ topic: 'raw.clicks', partition: 0 }]);
  await expect(producer.end('abort')).rejects.toThrow('CONCURRENT_TRANSACTIONS');
  await expect(producer.end('abort')).rejects.toThrow('CONCURRENT_TRANSACTIONS');
  await producer.end('abort');
  await producer.end('abort');
  expect(ends).toEqual([false, false, false]);
});
