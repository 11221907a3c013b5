/** Where the embedded profile stores the features of a view: memory, Iceberg, and its rollups. */
import { join } from 'node:path';
import type { Materializations } from '#application/dependencies.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { RollupTables } from '#domain/ports/rollup-tables.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { ROLLUP_PERIODS, rollupTopic } from '#domain/rollups/rollup-name.ts';
import { formatTime } from '#domain/values/time.ts';

interface EmbeddedMaterializationsDependencies {
  readonly history: Pick<HistoryTables, 'endOffsets'>;
  readonly historyDirectory: string;
  readonly rollups: Pick<RollupTables, 'periods'>;
}

export const embeddedMaterializations =
  ({
    history,
    historyDirectory,
    rollups,
  }: EmbeddedMaterializationsDependencies): Materializations =>
  async (view, live) => {
    const endOffsets = await history.endOffsets(featuresTopic(view));
    const { generation, version, source } = live.spec;
    const shared = { generation, eventTime: live.newestEventTime() };
    const positions = live
      .positions()
      .map((p) => `${p.partition}:${p.offset}`)
      .join(',');
    const tables = await Promise.all(
      ROLLUP_PERIODS.map(async (every) => {
        const table = { view, version, every };
        const upTo = (await rollups.periods(table)).at(-1)?.to;
        if (upTo === undefined) return [];
        const location = join(historyDirectory, ...rollupTopic(table).split('.'));
        const position = `periods up to ${formatTime(upTo)}`;
        return [{ ...shared, store: 'iceberg', location, position, job: 'rollup' }];
      }),
    );
    return [
      {
        ...shared,
        store: 'online',
        location: `memory, ${live.size().tiles} tiles`,
        position: `${rawTopic(source.name)}@${positions}`,
      },
      {
        ...shared,
        store: 'iceberg',
        location: join(historyDirectory, 'features', view),
        position: `${featuresTopic(view)}@0:${endOffsets[0] ?? 0}`,
      },
      ...tables.flat(),
    ];
  };
