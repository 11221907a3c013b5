/**
 * Sales in numbered rounds, one event for each shop and round, so that every answer can be checked
 * by itself: where n events are counted, their sum is that of 1 … n, and an answer has every round
 * that had been acknowledged by the time through which it is complete.
 */
import { expect } from 'vitest';
import type { ReadResult } from '#domain/api/serving.ts';
import { col, count, entity, featureView, source, sum } from '#domain/definitions/index.ts';
import { uniqueName } from './platform.ts';

const SHOPS = 5;

export const numberedSales = () => {
  const shop = entity({ name: uniqueName('shop'), keys: { shop: 'string' } });
  const sales = source({
    name: uniqueName('sales'),
    fields: { t: 'timestamp', shop: 'string', n: 'long' },
    eventTime: 't',
    partitions: 2,
    partitionBy: ['shop'],
  });
  const totals = featureView({
    name: uniqueName('totals'),
    entity: shop,
    source: sales,
    features: { events: count({}), sum: sum(col('n')), recent: count({ window: '1h' }) },
  });
  const entities = Array.from({ length: SHOPS }, (_, i) => ({ shop: `s${i}` }));
  /** by round: when it was acknowledged, epoch ms */
  const acknowledged: number[] = [];

  return {
    definitions: [shop, sales, totals] as const,
    view: totals.name,
    source: sales.name,
    query: {
      features: ['events', 'sum', 'recent'].map((name) => `${totals.name}:${name}`),
      entities,
    },
    acknowledged,
    /** The next round, as a numbered producer's batch, which may be sent again. */
    round: () => ({
      source: sales.name,
      events: entities.map((one) => ({ t: Date.now(), ...one, n: acknowledged.length + 1 })),
      producer: { id: 'till', sequence: acknowledged.length * SHOPS },
    }),
    /**
     * Fails where the answer is not the state after a prefix of the rounds, or has less than it
     * claims. @returns the rounds that all rows have
     */
    judge({ values, views }: Pick<ReadResult, 'values' | 'views'>): number {
      const completeThrough = views[0]?.completeThrough ?? Number.NEGATIVE_INFINITY;
      const promised = acknowledged.filter((time) => time <= completeThrough).length;
      const counts = values.map((row, i) => {
        const [n, total] = row.map((value) => Number(value ?? 0)) as [number, number];
        expect({ shop: i, n, total }).toEqual({ shop: i, n, total: (n * (n + 1)) / 2 });
        expect(n).toBeLessThanOrEqual(acknowledged.length + 1);
        expect(
          n,
          `completeThrough ${completeThrough}, and ${acknowledged[promised - 1]} was round ${promised}`,
        ).toBeGreaterThanOrEqual(promised);
        return n;
      });
      return Math.min(...counts);
    },
  };
};
