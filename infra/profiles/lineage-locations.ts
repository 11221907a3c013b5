/** Where the profiles store data, as OpenLineage names the systems. */
import { join } from 'node:path';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { DATABASE, paimonTable } from '#infra/flink/sql/names.ts';
import { redisKeysOf } from '#infra/redis/cache-store.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import type { Place, Places } from '#projections/lineage/names.ts';

const table = (root: string, ...path: readonly string[]) =>
  ({ namespace: 'file', name: join(root, ...path), type: 'table' }) as const satisfies Place;

/** @param history the directory of the Iceberg tables */
export const embeddedPlaces = (history: string): Places => ({
  raw: (source) => [table(history, 'raw', source)],
  features: () => [],
  stores: (view) => [{ ...table(history, 'features', view), layer: 'iceberg' }],
});

/** @param platform its id */
export const stackPlaces = (
  { kafka, redis, warehouse }: StackAddresses,
  platform: string,
  cache: boolean,
): Places => {
  const topic = (name: string) => ({ namespace: `kafka://${kafka}`, name, type: 'topic' }) as const;
  return {
    raw: (source) => [topic(rawTopic(source)), table(warehouse.iceberg, 'raw', source)],
    features: (view) => [topic(featuresTopic(view))],
    stores: (view, generation) => [
      ...(cache
        ? [
            {
              namespace: `redis://${redis.host}:${redis.port}`,
              name: redisKeysOf(platform, view, generation),
              type: 'keyspace',
              layer: 'redis',
            } as const,
          ]
        : []),
      {
        ...table(warehouse.paimon, `${DATABASE}.db`, paimonTable(view, generation)),
        layer: 'paimon',
      },
      { ...table(warehouse.iceberg, 'features', view), layer: 'iceberg' },
    ],
  };
};
