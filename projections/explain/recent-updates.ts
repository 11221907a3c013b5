/** The feature updates that are not in the history yet, read from the log. */

import type { RecordedUpdate } from '#domain/encoding/update-record.ts';
import type { History } from '#domain/ports/history.ts';
import type { Log, LogRecord } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { FeatureUpdate } from './explain-feature.ts';

type UpdateIdentity = Pick<RecordedUpdate, 'key' | 'hopMs' | 'generation' | 'tileStart' | 'cause'>;

/** The update of this view in a record; null: the record has none. */
export type DecodeUpdate = (
  served: ServedView,
  record: LogRecord,
) => UpdateIdentity | null | Promise<UpdateIdentity | null>;

export const createRecentUpdates =
  (log: Log, history: Pick<History, 'endOffsets'>, decode: DecodeUpdate) =>
  async (served: ServedView, key: string, hopMs: number): Promise<readonly FeatureUpdate[]> => {
    const { plan, generation } = served;
    const topic = featuresTopic(plan.view);
    const found: FeatureUpdate[] = [];
    const endOffsets = await history.endOffsets(topic);
    for (const partition of (await log.end(topic)).keys()) {
      const from = endOffsets[partition] ?? 0;
      for await (const records of readPartition(log, topic, partition, { from })) {
        for (const record of records) {
          const update = await decode(served, record);
          if (
            update === null ||
            update.key !== key ||
            update.hopMs !== hopMs ||
            update.generation !== generation
          )
            continue;
          found.push({
            position: `${topic}@${partition}:${record.offset}`,
            logTime: record.logTime,
            tileStart: update.tileStart,
            cause: `${rawTopic(plan.source)}@${update.cause.partition}:${update.cause.offset}`,
          });
        }
      }
    }
    return found;
  };
