/**
 * Copies one topic from the log into its table, exactly once: reads from the offsets in the newest
 * snapshot's summary on, commits rows together with the offsets that they reach, and starts again
 * from the table where a commit did not happen.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import { isFeaturesTopic, isRawTopic } from '#domain/ports/topics.ts';
import type { Checkpoint } from '#infra/shared/iceberg/append.ts';
import {
  type AvroRecord,
  icebergSchemaFromAvro,
  type WantedColumn,
} from '#infra/shared/iceberg/schema.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import type { HistoryInput } from './input.ts';
import { tableWriter } from './table-writer.ts';

export interface TopicWriterOptions {
  /** the directory of the history's tables */
  readonly root: Directory;
  readonly topic: string;
  readonly input: HistoryInput;
  readonly connection: DuckDBConnection;
  readonly now: () => number;
  /** approximate limit of the rows of one commit */
  readonly commitRows: number;
  /** raw.<source>: the field of the event time, where its Avro schemas have no `eventTime` */
  readonly eventTime?: string | undefined;
  readonly platform?: string | undefined;
  readonly keys?: () => readonly string[];
  readonly checkpoint?: Checkpoint | undefined;
}

export interface TopicWriter {
  endOffsets(): Promise<readonly number[]>;
  /** up to the log's end, or to these next offsets */
  sync(upTo?: readonly number[]): Promise<void>;
}

const READ_BYTES = 8 * 1024 * 1024;
const MAX_RESTARTS = 50;
const LOG_TIME = '_log_time';

interface Source {
  readonly schema: object;
  readonly columns: readonly WantedColumn[];
}

export const topicWriter = ({
  root,
  topic,
  input,
  connection,
  now,
  commitRows,
  eventTime,
  platform,
  keys,
  checkpoint,
}: TopicWriterOptions): TopicWriter => {
  const table = tableWriter({
    table: tableDirectory(root, topic),
    name: topic,
    connection,
    now,
    platform,
    ...(keys === undefined ? {} : { keys }),
    checkpoint,
  });
  const sources = new Map<number, Source>();

  const source = async (id: number): Promise<Source> => {
    const recent = sources.get(id);
    if (recent !== undefined) return recent;
    const schema = await input.schema(id);
    const found = { schema, columns: icebergSchemaFromAvro(schema) };
    sources.set(id, found);
    return found;
  };

  const partitionBy = (schema: object): string => {
    if (!isRawTopic(topic)) return LOG_TIME;
    const field = (schema as AvroRecord).eventTime ?? eventTime;
    if (field !== undefined) return field;
    // The event time is a timestamp: a single timestamp field is it.
    const timestamps = icebergSchemaFromAvro(schema).filter(({ type }) => type === 'timestamptz');
    if (timestamps.length === 1) return (timestamps[0] as WantedColumn).name;
    throw new MillraceError(
      'MR_STORAGE_FAILED',
      `The schema of ${topic} does not name its event time field ("eventTime").`,
      {
        topic,
      },
    );
  };

  /**
   * Collects the rows of one commit from `at` on, and advances `at`.
   * @returns whether the log can have more below `end`
   */
  const fill = async (at: number[], end: readonly number[]): Promise<boolean> => {
    let count = 0;
    for (let partition = 0; partition < end.length; partition++) {
      let next = at[partition] ?? 0;
      const stop = end[partition] as number;
      while (next < stop) {
        if (count >= commitRows) return true;
        const records = await input.log.read(topic, partition, next, READ_BYTES);
        if (records.length === 0) break;
        // Offsets of erased records are gaps; what was trimmed is lost.
        if (
          records[0]?.offset !== next &&
          ((await input.log.begin(topic))[partition] ?? 0) > next
        ) {
          throw new MillraceError(
            'MR_STORAGE_FAILED',
            `The log no longer has ${topic}@${partition}:${next}, and the history does not have it yet.`,
            { topic, partition, offset: next },
          );
        }
        let schemaId = -1;
        let current: Source | null = null;
        let rows = null;
        for (const record of records as readonly LogRecord[]) {
          if (record.offset >= stop) break;
          if (current === null || rows === null || record.schemaId !== schemaId) {
            schemaId = record.schemaId;
            current = await source(schemaId);
            if (!table.accepts(current.columns)) {
              at[partition] = next;
              return true;
            }
            rows = await table.begin(current.columns, partitionBy(current.schema));
          }
          rows.add(record, current.schema);
          next = record.offset + 1;
          count++;
        }
        at[partition] = next;
      }
      at[partition] = Math.max(next, at[partition] ?? 0);
    }
    return false;
  };

  /**
   * The next offsets that the table needs. Of a view that was computed anew after damage, the log
   * has no earlier updates, and nothing needs them.
   */
  const firstOffsets = async (): Promise<readonly number[]> => {
    const reached = await table.endOffsets();
    return reached.length === 0 && isFeaturesTopic(topic) ? input.log.begin(topic) : reached;
  };

  const behind = (at: readonly number[], end: readonly number[]): boolean =>
    end.some((offset, partition) => (at[partition] ?? 0) < offset);

  return {
    endOffsets: () => table.endOffsets(),
    async sync(upTo) {
      const end = upTo ?? (await input.log.end(topic));
      let from = await firstOffsets();
      for (let restarts = 0; behind(from, end); ) {
        const at = [...from];
        try {
          await fill(at, end);
        } catch (error) {
          await table.abandon();
          throw error;
        }
        if (at.every((offset, partition) => offset === (from[partition] ?? 0))) return;
        if (await table.commit(from, at)) {
          from = at;
          continue;
        }
        if (++restarts > MAX_RESTARTS) {
          throw new MillraceError(
            'MR_STORAGE_FAILED',
            `Another process writes the history of ${topic} at the same time; run only one.`,
            {
              topic,
            },
          );
        }
        from = await firstOffsets();
      }
    },
  };
};
