/** Where the stack stores the features of a view: Redis, Paimon, Iceberg, and its rollups. */
import type { Materializations } from '#application/dependencies.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { History } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import type { CacheStore } from '#domain/ports/online-store.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import { materializeJobFor } from '#infra/flink/materialize-jobs.ts';
import { rollupsOf } from '#infra/flink/rollup.ts';
import {
  ARCHIVE_JOB,
  DATABASE,
  historyTable,
  MATERIALIZE_GROUP,
  paimonTable,
} from '#infra/flink/sql/names.ts';
import { redisKeysOf } from '#infra/redis/cache-store.ts';

interface StackMaterializationsDependencies {
  /** the platform's id */
  readonly platform: string;
  readonly log: Pick<Log, 'committed'>;
  readonly history: Pick<History, 'endOffsets'>;
  /** null: there is no cache tier */
  readonly cache: Pick<CacheStore, 'progress'> | null;
  /** the directory of the Iceberg tables */
  readonly tables: Directory;
}

const positionOf = (topic: string, offsets: readonly (number | null)[]): string =>
  `${topic}@${offsets.map((offset, partition) => `${partition}:${offset ?? 0}`).join(',')}`;

export const stackMaterializations =
  ({
    platform,
    log,
    history,
    cache,
    tables,
  }: StackMaterializationsDependencies): Materializations =>
  async (view, live) => {
    const { generation, plan, version } = live.spec;
    const rollups = await rollupsOf(tables, { view, version });
    const features = featuresTopic(view);
    const progress = await cache?.progress({ plan, generation }).catch(() => null);
    const shared = { generation, eventTime: live.newestEventTime() };
    return [
      ...(cache === null
        ? []
        : [
            {
              ...shared,
              store: 'redis',
              location: redisKeysOf(platform, view, generation),
              position: positionOf(features, progress?.offsets ?? []),
              job: `projection cache.${view}`,
            },
          ]),
      {
        ...shared,
        store: 'paimon',
        location: `${DATABASE}.${paimonTable(view, generation)}`,
        position: positionOf(features, await log.committed(MATERIALIZE_GROUP, features)),
        job: materializeJobFor({ view, flushMs: plan.ephemeral?.flushMs ?? null }),
      },
      {
        ...shared,
        store: 'iceberg',
        location: historyTable('features', view).replaceAll('`', ''),
        position: positionOf(features, await history.endOffsets(features)),
        job: ARCHIVE_JOB,
      },
      ...rollups.map((rollup) => ({ ...shared, ...rollup })),
    ];
  };
