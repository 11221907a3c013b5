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
import { assertEvents, eventsLost } from '#domain/ports/events-lost.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log, LogRecord } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { rawAvroSchema } from '#domain/sources/source-schema.ts';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { openSession } from '#infra/shared/flink/sql-gateway.ts';
import { type ColumnChange, ensureTable } from '#infra/shared/iceberg/ensure-table.ts';
import { historyReader, readsOf } from '#infra/shared/iceberg/reader.ts';
import { icebergSchemaFromAvro } from '#infra/shared/iceberg/schema.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import type { HistoryStart } from './compute-job.ts';
import type { HistoryReach } from './history-reach.ts';
import { icebergColumnsSql } from './iceberg-columns.ts';
import { type MaintenanceLimits, maintainTables } from './maintenance.ts';
import { rawHistory } from './sql/materialize.ts';
import { historyTable } from './sql/names.ts';
import { catalogsSql } from './sql/tables.ts';
import { watermarks } from './watermarks.ts';

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
  /** absent: the history reaches as far as the records in its tables */
  readonly reach?: Pick<HistoryReach, 'reached' | 'observe' | 'trimmed'>;
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
   * @throws MR_EVENTS_LOST where neither has them all
   */
  readonly start: (source: SourceDefinition) => Promise<HistoryStart>;
  /** Notes what the tables need not have. For one process: the leader. */
  readonly observe: (topic: string) => Promise<void>;
  /** Events of the topic that Kafka deleted before the table had them; null: there are none. */
  readonly lost: (topic: string) => Promise<MillraceError | null>;
  /**
   * Why a computation cannot go on that has read raw.<source> up to these offsets: Kafka has
   * deleted events behind them. null: it has not.
   */
  readonly unread: (topic: string, read: readonly number[]) => Promise<MillraceError | null>;
  /** Runs a query of two columns, partition and epoch ms, over the tables. */
  readonly marks: (query: string) => Promise<readonly (number | null)[]>;
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

const AS_THE_TABLE: Pick<HistoryReach, 'reached' | 'observe' | 'trimmed'> = {
  reached: async (_topic, table) => table,
  observe: async () => {},
  trimmed: async () => [],
};

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
  const { reached, observe, trimmed } = options.reach ?? AS_THE_TABLE;
  const endOffsets = async (topic: string): Promise<readonly number[]> =>
    reached(topic, await reader.endOffsets(topic));

  const changeColumns = async (table: string, changes: readonly ColumnChange[]): Promise<void> => {
    const session = await openSession(gateway);
    try {
      for (const sql of catalogsSql(warehouse)) await session.run(sql);
      for (const sql of icebergColumnsSql(table, changes)) await session.run(sql);
    } finally {
      await session.close();
    }
  };

  const lost: StackHistory['lost'] = async (topic) => {
    const begin = await log.begin(topic);
    // Asked after the begin: rows that were committed in between are counted.
    return eventsLost(topic, begin, await endOffsets(topic));
  };

  const unread: StackHistory['unread'] = async (topic, read) => {
    const [begin, own] = [await log.begin(topic), await trimmed(topic)];
    for (const [partition, below] of begin.entries()) {
      const from = read[partition] ?? 0;
      if (below <= from || below <= (own[partition] ?? 0)) continue;
      const gone = await lost(topic);
      if (gone !== null) return gone;
      const events = await reader.count(topic, { partition, from, below });
      if (events === 0) continue;
      return new MillraceError(
        'MR_REPLAY_NEEDED',
        `the computation has read ${topic} up to offset ${from} of partition ${partition}, and the log begins at ${below}: the history has the ${events} events between`,
        { topic, partition, from, below },
      );
    }
    return null;
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

  const behind = (inHistory: readonly number[], end: readonly number[]): boolean =>
    end.some((offset, partition) => (inHistory[partition] ?? 0) < offset);

  /**
   * The highest offset of a record and one more, by partition. The log's own ends do not serve: the
   * last offset can be a transaction's marker, which is not a record.
   */
  const recordEnds = async (
    topic: string,
    ends: readonly number[],
    inHistory: readonly number[],
  ): Promise<number[]> =>
    Promise.all(
      ends.map(async (end, partition) => {
        let next = inHistory[partition] ?? 0;
        const range = { from: next, end, maxBytes: READ_BYTES };
        for await (const records of readPartition(log, topic, partition, range))
          next = (records.at(-1) as LogRecord).offset + 1;
        return next;
      }),
    );

  return {
    ...readsOf(reader),
    endOffsets,
    async snapshot(topic) {
      const snapshot = await reader.snapshot(topic);
      return snapshot === null
        ? null
        : { ...snapshot, endOffsets: await reached(topic, snapshot.endOffsets) };
    },
    ensure,
    async start(source) {
      const topic = rawTopic(source.name);
      const begin = await log.begin(topic);
      if (begin.every((offset) => offset === 0)) return { query: null, from: 'earliest' };
      const ends = await endOffsets(topic);
      assertEvents(topic, begin, ends);
      const below = begin.map((_, partition) => ends[partition] ?? 0);
      return {
        query: rawHistory(source, below),
        from: below.map((offset, partition) => ({ partition, offset })),
      };
    },
    observe: async (topic) => observe(topic, await reader.endOffsets(topic)),
    lost,
    unread,
    marks: (query) => watermarks(gateway, warehouse, query),
    async sync(topic, upTo) {
      assertEvents(topic, await log.begin(topic), await endOffsets(topic));
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
        const inHistory = await reader.endOffsets(topic);
        if (!behind(inHistory, wanted)) return;
        if (Date.now() > deadline) {
          throw new MillraceError(
            'MR_ENGINE_UNAVAILABLE',
            `the history of ${topic} has reached ${inHistory.join(',') || 'nothing'}, and the log has ${wanted.join(',')}: check with \`millrace status\` that the job millrace-archive runs`,
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
