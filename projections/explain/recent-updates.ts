/** The feature updates that the history's tables do not hold yet, straight from the log. */
import type { History } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import { tileCodec } from '#domain/views/tile-codec.ts';
import type { ServedView } from '#projections/serving/served-view.ts';
import type { FeatureUpdate } from './explain.ts';

const READ_BYTES = 4 * 1024 * 1024;

export const createRecentUpdates =
  (log: Log, history: Pick<History, 'through'>) =>
  async (served: ServedView, key: string, hopMs: number): Promise<readonly FeatureUpdate[]> => {
    const { plan, generation, schemaId } = served;
    const topic = featuresTopic(plan.view);
    const codec = tileCodec(plan);
    const found: FeatureUpdate[] = [];
    let offset = (await history.through(topic))[0] ?? 0;
    for (;;) {
      const records = await log.read(topic, 0, offset, READ_BYTES);
      const last = records.at(-1);
      if (last === undefined) return found;
      for (const record of records) {
        if (record.key !== key || record.schemaId !== schemaId) continue;
        const update = codec.decode(record.value);
        if (update.hopMs !== hopMs || update.generation !== generation) continue;
        found.push({
          position: `${topic}@0:${record.offset}`,
          logTime: record.logTime,
          tileStart: update.tileStart,
          cause: `raw.${plan.source}@${update.cause.partition}:${update.cause.offset}`,
        });
      }
      offset = last.offset + 1;
    }
  };
