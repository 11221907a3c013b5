/**
 * The embedded profile: one process, without servers. This file picks the adapters.
 *
 * | part | adapter |
 * |---|---|
 * | log, event store, schema registry, audit log | one SQLite database |
 * | engine, online store | tiles in memory, changed inside the log's transactions |
 * | history | Iceberg tables on local disk, written by a worker thread |
 */

import { join } from 'node:path';
import type { EngineContext } from '#application/dependencies.ts';
import { tracesOf } from '#application/traced-areas.ts';
import { openRetention, type Retention } from '#commands/retention/retention.ts';
import type { LimitedSource } from '#commands/retention/trim-history.ts';
import type { Platform } from '#domain/api/platform.ts';
import { closingOnFailure, type Opened } from '#domain/closing.ts';
import { updateDecoder } from '#domain/encoding/update-decoder.ts';
import type { AuditAnchor } from '#domain/ports/audit-anchor.ts';
import type { Engine } from '#domain/ports/engine.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import { durationText } from '#domain/values/duration.ts';
import { openDataDirectory } from '#infra/data-directory/data-directory.ts';
import { embeddedEngine } from '#infra/embedded-engine/engine.ts';
import { openSnapshots } from '#infra/embedded-engine/snapshots.ts';
import { streamTasks } from '#infra/embedded-engine/stream-tasks.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { assertTablesBelong } from '#infra/iceberg/belongs.ts';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { rollupTables } from '#infra/iceberg/rollup-tables.ts';
import { processHeap, watchHeap } from '#infra/memory/heap-guard.ts';
import type { LineageSettings } from '#infra/openlineage/settings.ts';
import { embeddedHistoryInput } from '#infra/profiles/embedded-history-input.ts';
import { embeddedMaterializations } from '#infra/profiles/embedded-materializations.ts';
import { type ErasureHandling, erasureRunner } from '#infra/profiles/erasure-runner.ts';
import type { SparkSettings } from '#infra/profiles/join-engines.ts';
import { embeddedPlaces } from '#infra/profiles/lineage-locations.ts';
import { startPlatform } from '#infra/profiles/start-platform.ts';
import { hybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { keysOfTopics } from '#infra/shared/iceberg/sorted-by-keys.ts';
import { tableDocuments } from '#infra/shared/iceberg/table-documents.ts';
import type { GivenSqlEngine } from '#infra/sql-engines/open-engines.ts';
import { sqliteAuditStore } from '#infra/sqlite/audit-store.ts';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteDatasetJobs } from '#infra/sqlite/dataset-jobs.ts';
import { erasedOffsets } from '#infra/sqlite/erased.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { openIdentity } from '#infra/sqlite/identity.ts';
import { sqliteLog } from '#infra/sqlite/log.ts';
import { sqliteProducerOwners } from '#infra/sqlite/producer-owners.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { sqliteUsageCounter } from '#infra/sqlite/usage-counter.ts';
import {
  assertHistoryHasTrimmed,
  createArchive,
  readHorizons,
} from '#projections/archive/archive.ts';
import packageJson from '../../package.json' with { type: 'json' };

export interface EmbeddedOptions {
  readonly dataDirectory: string;
  /** the clock, epoch ms; default the machine's */
  readonly now?: () => number;
  /** called with warnings for operators; default: they are written to stderr */
  readonly warn?: (message: string) => void;
  /** absent, null: traces are off */
  readonly tracing?: Tracing | null;
  /** how often the history commits by itself, ms; 0: only when it is synchronized */
  readonly historyEveryMs?: number;
  /** the receiver of OpenLineage events; absent: OpenLineage is off */
  readonly lineage?: LineageSettings | null;
  /** absent: the head of the audit log is in the database only */
  readonly auditAnchor?: AuditAnchor | undefined;
  /** the secret that audit records are signed with; absent: they are not signed */
  readonly auditKey?: Uint8Array | undefined;
  /** how long the log keeps what the history has, ms; null: for ever; default a day */
  readonly keepLogMs?: number | null;
  /** the most entities of a view in memory, for some views and for all others */
  readonly entityQuotas?: {
    readonly all?: number;
    readonly views: Readonly<Record<string, number>>;
  };
  /** SQL engines on servers of their own */
  readonly sqlEngines?: readonly GivenSqlEngine[];
  /** for data sets that Spark joins */
  readonly spark?: SparkSettings;
  /** called with parts of the platform that tests work with directly */
  readonly onParts?: (parts: EmbeddedParts) => void;
}

export interface EmbeddedParts {
  readonly history: Pick<HistoryTables, 'sync' | 'maintain'>;
  readonly retention: Retention;
}

/** A day: a replay of the newest events, and a restart, then seldom need the history. */
const DEFAULT_KEEP_LOG_MS = 24 * 3_600_000;

/** An entity takes about half a kibibyte of the heap: a quarter of the default heap of 4 GiB. */
const DEFAULT_ENTITY_QUOTA = 2_000_000;

/** So many events are computed in some ten milliseconds. */
const SHORT_FILL_EVENTS = 5_000;

/**
 * Where the start fails, all that it opened is closed, and it can be tried again in this process.
 * @param erasures how it erases entities while it runs; absent: it cannot
 */
export const startEmbedded = (
  options: EmbeddedOptions,
  erasures?: ErasureHandling,
): Promise<Platform> => closingOnFailure((opened) => start(options, erasures, opened));

const start = async (
  options: EmbeddedOptions,
  erasures: ErasureHandling | undefined,
  opened: Opened,
): Promise<Platform> => {
  const now = options.now ?? Date.now;
  const warn = options.warn ?? ((message) => process.stderr.write(`${message}\n`));
  const traces = tracesOf(options.tracing, 'millrace');
  const directory = openDataDirectory(options.dataDirectory);
  opened(() => directory.close());
  const database = openDatabase(directory.databasePath);
  opened(() => database.close());
  const identity = openIdentity(database);
  const clock = hybridClock(now);
  const heap = watchHeap(processHeap());
  opened(() => heap.stop());
  const log = sqliteLog(database, clock, (host) =>
    streamTasks(host, { mayCatchUp: () => !heap.low() }),
  );
  opened(() => log.close());
  if (clock.lead() > 0)
    warn(
      `the newest commit was made ${durationText(clock.lead())} after the machine's present time: its clock was ahead, or is behind now. Reads that name no time are made at the machine's time until it has caught up; set the clock right.`,
    );
  const schemas = sqliteSchemaRegistry(database);
  const historyDirectory = join(directory.path, 'history');
  const historyRoot = { files: localFiles(), uri: fileUri(historyDirectory) };
  await assertTablesBelong({
    root: historyRoot,
    log,
    platform: identity.id,
    databaseIsNew: identity.isNew,
    warn,
  });
  const history = await openIcebergHistory({
    root: historyRoot,
    platform: identity.id,
    spillDirectory: join(historyDirectory, '.spill'),
    input: embeddedHistoryInput(directory.databasePath),
    writerMemory: '192MB',
    readerMemory: '256MB',
    // Rows that wait for a commit are memory: many small commits are compacted later.
    commitRows: 150_000,
    commitAtRows: 150_000,
    ...(options.historyEveryMs === undefined ? {} : { commitAfterMs: options.historyEveryMs }),
    onFailure: (topic, error) =>
      warn(
        `the history of ${topic} could not be written and will be tried again: ${error.code} ${error.message}`,
      ),
  });
  opened(() => history.close());
  await assertHistoryHasTrimmed(log, history);
  const erased = erasedOffsets(database.db);
  await readHorizons(log, history);
  log.attachArchive(createArchive({ history, schemas, erased }));

  const keepMs = options.keepLogMs === undefined ? DEFAULT_KEEP_LOG_MS : options.keepLogMs;
  const openTrimming = (
    running: Engine['running'],
    limited: () => readonly LimitedSource[],
    isCurrent: () => boolean,
  ): Retention => {
    const retention = openRetention({
      log,
      history,
      running,
      limited,
      isCurrent,
      now,
      keepMs,
      warn,
      erased,
    });
    options.onParts?.({ history, retention });
    return retention;
  };

  const { all = DEFAULT_ENTITY_QUOTA, views = {} } = options.entityQuotas ?? {};
  const openEngine = ({ decoders, onFilled, onFailed }: EngineContext): Engine => {
    const engine = embeddedEngine({
      log,
      schemas,
      decoders,
      quotaOf: (view) => (Object.hasOwn(views, view) ? (views[view] as number) : all),
      traces,
      now,
      snapshots: openSnapshots({
        directory: join(directory.path, 'state'),
        platform: identity.id,
        warn,
      }),
      onFilled,
      onFailed,
      warn,
    });
    return {
      ...engine,
      async reconcile(wanted, answers) {
        await history.sortBy(keysOfTopics(wanted));
        await engine.reconcile(wanted, answers);
      },
    };
  };

  const updates = updateDecoder(schemas);
  const rollups = rollupTables({
    root: historyRoot,
    platform: identity.id,
    spillDirectory: join(historyDirectory, '.spill'),
    now,
    maintain: history.maintain,
  });

  const closeStores = async (): Promise<void> => {
    heap.stop();
    database.close();
    directory.close();
  };
  return startPlatform({
    profile: 'embedded',
    lineage:
      options.lineage == null
        ? null
        : {
            settings: options.lineage,
            leads: () => true,
            engine: { name: 'millrace', version: packageJson.version },
            places: embeddedPlaces(historyDirectory),
          },
    dataDirectory: directory.path,
    datasetDirectory: join(directory.path, 'datasets'),
    otherSqlEngines: options.sqlEngines ?? [],
    spark: options.spark,
    now,
    warn,
    log,
    schemas,
    eventStore: sqliteEventStore(database),
    auditStore: sqliteAuditStore(database),
    ...(options.auditAnchor === undefined ? {} : { auditAnchor: options.auditAnchor }),
    ...(options.auditKey === undefined ? {} : { auditKey: options.auditKey }),
    usage: sqliteUsageCounter(database),
    producerOwners: sqliteProducerOwners(database),
    datasetJobs: sqliteDatasetJobs(database, now),
    history,
    tables: tableDocuments(historyRoot),
    rollups: { tables: rollups },
    ...(traces === undefined ? {} : { traces }),
    readTime: () => clock.readTime(),
    clockLead: () => clock.lead(),
    diskFull: () => database.isFull(),
    memoryLow: heap.low,
    gatherMs: 0,
    shortFillEvents: SHORT_FILL_EVENTS,
    openEngine,
    openRetention: openTrimming,
    horizon: (source) => log.horizon(rawTopic(source))?.time ?? null,
    ...(erasures === undefined
      ? {}
      : {
          erasures: erasureRunner({
            ...erasures,
            database,
            platform: identity.id,
            dataDirectory: directory.path,
          }),
        }),
    storage: { log: () => database.size(), kept: log.kept },
    decodeUpdate: ({ plan }, record) => updates.decode(plan, record),
    materializations: embeddedMaterializations({ history, historyDirectory, rollups }),
    close: closeStores,
  });
};
