/** The rows of the feature log: from the history up to its end offsets, then from the log. */

import { avroCodec } from '#domain/avro/codec.ts';
import { type FeatureLogRow, featureLogRowOf } from '#domain/feature-log/feature-log-record.ts';
import { assertEvents } from '#domain/ports/events-lost.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { featureLogTopic } from '#domain/ports/topics.ts';

interface FeatureLogRowsDependencies {
  readonly log: Pick<Log, 'begin' | 'end' | 'read'>;
  readonly history: Pick<HistoryTables, 'endOffsets' | 'rows'>;
  readonly schemas: Pick<SchemaRegistry, 'schema'>;
}

interface FeatureLogQuery {
  readonly requestId?: string;
  /** rows logged from this time on, epoch ms */
  readonly from?: number;
}

export type FeatureLogRows = (
  service: string,
  query: FeatureLogQuery,
) => AsyncIterable<readonly FeatureLogRow[]>;

/** Small, because a batch is decoded in one turn. */
const READ_BYTES = 64 * 1024;

export const createFeatureLogRows = ({
  log,
  history,
  schemas,
}: FeatureLogRowsDependencies): FeatureLogRows => {
  const types = new Map<number, ReturnType<typeof avroCodec>>();
  const typeOf = async (schemaId: number): Promise<ReturnType<typeof avroCodec>> => {
    const type = types.get(schemaId) ?? avroCodec(await schemas.schema(schemaId));
    types.set(schemaId, type);
    return type;
  };

  return async function* (service, { requestId, from }) {
    const topic = featureLogTopic(service);
    const at = (partition: number, offset: number): string => `${topic}@${partition}:${offset}`;
    const endOffsets = await history.endOffsets(topic);
    assertEvents(topic, await log.begin(topic), endOffsets);
    const query = {
      ...(requestId === undefined ? {} : { where: { request_id: requestId } }),
      ...(from === undefined ? {} : { from }),
    };
    for await (const rows of history.rows(topic, query)) {
      // The table may have grown since its end offsets were read: later rows come from the log.
      yield rows
        .filter((row) => (row._offset as number) < (endOffsets[row._partition as number] ?? 0))
        .map((row) =>
          featureLogRowOf(row, {
            position: at(row._partition as number, row._offset as number),
            logTime: row._log_time as number,
          }),
        );
    }
    for (const partition of (await log.end(topic)).keys()) {
      const range = { from: endOffsets[partition] ?? 0, maxBytes: READ_BYTES };
      for await (const records of readPartition(log, topic, partition, range)) {
        const rows: FeatureLogRow[] = [];
        for (const record of records) {
          if (record.offset < range.from || (from !== undefined && record.logTime < from)) continue;
          const decoded = (await typeOf(record.schemaId)).fromBuffer(
            Buffer.from(record.value),
          ) as Record<string, unknown>;
          if (requestId !== undefined && decoded.request_id !== requestId) continue;
          rows.push(
            featureLogRowOf(decoded, {
              position: at(partition, record.offset),
              logTime: record.logTime,
            }),
          );
        }
        yield rows;
      }
    }
  };
};
