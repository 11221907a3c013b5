/**
 * The history on the stack: Iceberg tables that the archive job appends to, in the embedded
 * profile's layout, so that the same code reads both. Tables are made here; columns are added
 * through Flink, which is the only committer of an existing table.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { MillraceError } from '#domain/errors.ts';
import {
  type FeatureLogColumns,
  featureLogAvroSchema,
} from '#domain/feature-log/feature-log-record.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log, LogRecord } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { type ColumnChange, ensureTable } from '#infra/shared/iceberg/ensure-table.ts';
import { historyReader, readsOf } from '#infra/shared/iceberg/reader.ts';
import { icebergSchemaFromAvro } from '#infra/shared/iceberg/schema.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import type { HistoryStart } from './compute-job.ts';
import { icebergColumnsSql } from './iceberg-columns.ts';
import { type MaintenanceLimits, maintainTables } from './maintenance.ts';
import { rawHistory } from './sql/materialize.ts';
import { historyTable } from './sql/names.ts';
import { catalogsSql } from './sql/tables.ts';
import { openSession } from './sql-gateway.ts';

export interface StackHistoryOptions {
  /** the directory of the tables */
  readonly tables: Directory;
  /** the platform's id, which new tables carry */
  readonly platform?: string;
  /** a path on the local disk, for sorts that do not fit in memory */
  readonly spillDirectory: string;
  /** as Flink is configured */
  readonly warehouse: { readonly paimon: string; readonly iceberg: string };
  readonly gateway: string;
  readonly log: Pick<Log, 'end' | 'begin' | 'read'>;
  readonly now: () => number;
  /** how long `sync` waits until the tables have what the log has, ms */
  readonly syncDeadlineMs?: number;
  readonly maintenance?: MaintenanceLimits | undefined;
}

/** What has a table: a source's events, a view's updates, a service's logged answers. */
export type WithHistory =
  | { readonly source: SourceDefinition }
  | { readonly plan: ViewPlan }
  | { readonly featureLog: FeatureLogColumns };

export interface StackHistory extends HistoryTables {
  /** Makes the table, or adds the columns that it lacks. */
  readonly ensure: (what: WithHistory) => Promise<void>;
  /**
   * Where a new compute job starts: in the table, then in Kafka from the table's offsets on; in
   * Kafka alone while Kafka still has every event.
   */
  readonly start: (source: SourceDefinition) => Promise<HistoryStart>;
}

const SYNC_DEADLINE_MS = 60_000;
const POLL_MS = 100;
const READ_BYTES = 64 * 1024;

const PROPERTIES = {
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '20',
  'write.distribution-mode': 'none',
  'flink.max-continuous-empty-commits': '600',
};

const LOG_TIME = '_log_time';

const tableOf = (what: WithHistory) => {
  if ('source' in what) {
    const { name, eventTime } = what.source;
    return {
      kind: 'raw',
      name,
      topic: rawTopic(name),
      schema: rawAvroSchema(what.source),
      partitionBy: eventTime,
    } as const;
  }
  if ('featureLog' in what) {
    const name = what.featureLog.service;
    const schema = featureLogAvroSchema(what.featureLog);
    return {
      kind: 'served',
      name,
      topic: featureLogTopic(name),
      schema,
      partitionBy: LOG_TIME,
    } as const;
  }
  const name = what.plan.view;
  const schema = featuresAvroSchema(what.plan);
  return {
    kind: 'features',
    name,
    topic: featuresTopic(name),
    schema,
    partitionBy: LOG_TIME,
  } as const;
};

export const openStackHistory = async (options: StackHistoryOptions): Promise<StackHistory> => {
  const { tables, platform, spillDirectory, warehouse, gateway, log, now } = options;
  const openOwn = (threads: number): Promise<DuckDb> =>
    openDuckDb({ memoryLimit: '512MB', threads, spillDirectory });
  const reader = historyReader(tables, await openOwn(2));

  const changeColumns = async (table: string, changes: readonly ColumnChange[]): Promise<void> => {
    const session = await openSession(gateway);
    try {
      for (const sql of catalogsSql(warehouse)) await session.run(sql);
      for (const sql of icebergColumnsSql(table, changes)) await session.run(sql);
    } finally {
      await session.close();
    }
  };

  const ensure: StackHistory['ensure'] = async (what) => {
    const { kind, name, topic, schema, partitionBy } = tableOf(what);
    const changes = await ensureTable({
      table: tableDirectory(tables, topic),
      name: topic,
      columns: icebergSchemaFromAvro(schema),
      partitionBy,
      now,
      openDuckDb: () => openOwn(1),
      properties: PROPERTIES,
      platform,
    });
    if (changes.length > 0) await changeColumns(historyTable(kind, name), changes);
  };

  const behind = (endOffsets: readonly number[], end: readonly number[]): boolean =>
    end.some((offset, partition) => (endOffsets[partition] ?? 0) < offset);

  /**
   * The highest offset of a record and one more, by partition. The log's own ends do not serve: the
   * last offset can be a transaction's marker, which is not a record.
   */
  const recordEnds = async (
    topic: string,
    ends: readonly number[],
    endOffsets: readonly number[],
  ): Promise<number[]> =>
    Promise.all(
      ends.map(async (end, partition) => {
        let next = endOffsets[partition] ?? 0;
        const range = { from: next, end, maxBytes: READ_BYTES };
        for await (const records of readPartition(log, topic, partition, range))
          next = (records.at(-1) as LogRecord).offset + 1;
        return next;
      }),
    );

  return {
    ...readsOf(reader),
    ensure,
    async start(source) {
      const topic = rawTopic(source.name);
      const begin = await log.begin(topic);
      if (begin.every((offset) => offset === 0)) return { query: null, from: 'earliest' };
      const snapshot = await reader.snapshot(topic);
      if (snapshot === null) return { query: null, from: 'earliest' };
      const endOffsets = begin.map((_, partition) => snapshot.endOffsets[partition] ?? 0);
      return {
        query: rawHistory(source, endOffsets),
        from: endOffsets.map((offset, partition) => ({ partition, offset })),
      };
    },
    async sync(topic, upTo) {
      const wanted = await recordEnds(
        topic,
        upTo ?? (await log.end(topic)),
        await reader.endOffsets(topic),
      );
      for (
        const deadline = Date.now() + (options.syncDeadlineMs ?? SYNC_DEADLINE_MS);
        ;
        await sleep(POLL_MS)
      ) {
        const endOffsets = await reader.endOffsets(topic);
        if (!behind(endOffsets, wanted)) return;
        if (Date.now() > deadline) {
          throw new MillraceError(
            'MR_ENGINE_UNAVAILABLE',
            `the history of ${topic} has reached ${endOffsets.join(',') || 'nothing'}, and the log has ${wanted.join(',')}: check with \`millrace status\` that the job millrace-archive runs`,
            { topic },
          );
        }
      }
    },
    async maintain(topic) {
      await maintainTables({ gateway, tables }, [topic], options.maintenance);
    },
    async close() {
      reader.close();
    },
  };
};
