/**
 * The stack profile: the platform on separate servers. This file picks the adapters.
 *
 * | part | adapter |
 * |---|---|
 * | log | Apache Kafka |
 * | schemas | a registry that is compatible with Confluent's |
 * | event store, audit log | MySQL or MariaDB; the event store may be KurrentDB |
 * | engine | Apache Flink, with SQL compiled from the definitions |
 * | online stores | Redis (cache tier), Apache Paimon (durable tier) |
 * | history | Apache Iceberg, appended by Flink |
 */

import { hostname } from 'node:os';
import { join } from 'node:path';
import type { EngineContext, PlatformDependencies } from '#application/dependencies.ts';
import type { Platform } from '#domain/api/platform.ts';
import { closingOnFailure, type Opened } from '#domain/closing.ts';
import { updateDecoder } from '#domain/encoding/update-decoder.ts';
import type { Engine } from '#domain/ports/engine.ts';
import type { TilesTarget } from '#domain/ports/online-store.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import type { JobSettings } from '#infra/flink/compute-job.ts';
import { type FlinkEngine, flinkEngine } from '#infra/flink/engine.ts';
import { garbageCollection } from '#infra/flink/garbage-collection.ts';
import type { FlinkGeneration } from '#infra/flink/generation.ts';
import { openStackHistory } from '#infra/flink/history.ts';
import { historyReach } from '#infra/flink/history-reach.ts';
import { openJobStore } from '#infra/flink/job-store.ts';
import { flinkJobs } from '#infra/flink/jobs.ts';
import { flinkJoins } from '#infra/flink/joins.ts';
import { keepTablesSmall } from '#infra/flink/maintenance.ts';
import { mysqlDatasetJobs } from '#infra/mysql/dataset-jobs.ts';
import { JOBS_LEASE, mysqlLease } from '#infra/mysql/lease.ts';
import { mysqlProducerOwners } from '#infra/mysql/producer-owners.ts';
import { mysqlUsageCounter } from '#infra/mysql/usage-counter.ts';
import { openCacheProjections } from '#infra/profiles/cache-projections.ts';
import { openIngestWorkers } from '#infra/profiles/ingest-workers.ts';
import { stackPlaces } from '#infra/profiles/lineage-locations.ts';
import { refuseWhileErasing } from '#infra/profiles/stack-erase-requests.ts';
import { stackMaterializations } from '#infra/profiles/stack-materializations.ts';
import { stackOnline } from '#infra/profiles/stack-online.ts';
import type { StackOptions } from '#infra/profiles/stack-profile-options.ts';
import { exclusive, openStackRetention } from '#infra/profiles/stack-retention.ts';
import { stackRollup } from '#infra/profiles/stack-rollup.ts';
import { stackSqlEngines } from '#infra/profiles/stack-sql-engines.ts';
import { stackStorage } from '#infra/profiles/stack-storage.ts';
import {
  openStackStores,
  refuseStrayTopics,
  stackDirectories,
} from '#infra/profiles/stack-stores.ts';
import { type StackTopics, stackTopics } from '#infra/profiles/stack-topics.ts';
import { stackTraces } from '#infra/profiles/stack-traces.ts';
import { startPlatform } from '#infra/profiles/start-platform.ts';
import { tableDocuments } from '#infra/shared/iceberg/table-documents.ts';
import { VERSIONS } from '#infra/stack/versions.ts';
import { pastOffsets } from '#projections/archive/past-offsets.ts';
import { loggedServices } from '#projections/feature-log/feature-log-tables.ts';
import { tilesFetcher } from '#projections/serving/online-tiles.ts';

type OpenRetention = NonNullable<PlatformDependencies['openRetention']>;

const GARBAGE_COLLECTION_MS = 60_000;
const CLOCK_STEP_MS = 1;

/**
 * Where the start fails, all that it opened is closed, and it can be tried again.
 * @throws MR_REFUSED while an erasure of the stack is not finished
 */
export const startStack = async (options: StackOptions): Promise<Platform> => {
  refuseWhileErasing(options.addresses);
  return openStackPlatform(options);
};

/** For the erasure itself. */
export const openStackPlatform = (options: StackOptions): Promise<Platform> =>
  closingOnFailure((opened) => start(options, opened));

const start = async (options: StackOptions, opened: Opened): Promise<Platform> => {
  const { addresses } = options;
  const now = options.now ?? Date.now;
  const warn = options.warn ?? ((message: string) => void process.stderr.write(`${message}\n`));
  const clientId = `millrace-${hostname()}-${process.pid}`;
  const kafka = { brokers: [addresses.kafka], clientId, warn };
  const stores = await openStackStores({ addresses, kafka, warn }, opened);
  const { platform, database, auditStore, eventStore, guard, log, outboxLog } = stores;
  const reach = historyReach({ log, notes: stores.topicNotes });
  const schemas = confluentSchemaRegistry({ url: addresses.registry });
  const lease = await mysqlLease(database, JOBS_LEASE);
  opened(lease.close);
  const { iceberg: tables, paimon, jobs: jobDirectory } = stackDirectories(addresses);
  const flinkAt = { warehouse: addresses.warehouse, gateway: addresses.sqlGateway };
  const history = await openStackHistory({
    tables,
    platform,
    spillDirectory: join(addresses.warehouse.iceberg, '.spill'),
    ...flinkAt,
    log,
    reach,
    now,
    maintenance: options.maintenance?.limits,
  });
  opened(history.close);
  await refuseStrayTopics(stores, tables, history, warn);
  const decoder = updateDecoder(schemas);
  const cluster = flinkCluster(addresses.flink);
  const jobStore = openJobStore(jobDirectory, {
    files: jobDirectory.files,
    uri: fileUri(addresses.checkpoints),
  });
  const jobs = flinkJobs({
    cluster,
    gateway: addresses.sqlGateway,
    jobStore,
    savepoints: addresses.savepoints,
    warn,
  });
  const settings: JobSettings = {
    kafka: addresses.kafka,
    registry: addresses.registry,
    warehouse: addresses.warehouse,
    paimon: { buckets: 2, snapshotsKept: '1 h' },
    parallelism: 1,
    miniBatchMs: 10,
    archiveEveryMs: 10_000,
    ...options.settings,
  };
  let flink: FlinkEngine | null = null;
  const exclusively = exclusive();
  let topics: StackTopics | null = null;
  const running = ({ plan, generation }: TilesTarget): FlinkGeneration | null =>
    flink?.generation(plan.view, generation) ?? null;
  const { cache, durable, tiles, readsByStore, noteFolded, ttlOf, older } = stackOnline({
    ...options,
    platform,
    running,
    now,
    warn,
    tracing: options.tracing ?? null,
  });
  opened(durable.close);
  opened(() => cache?.close());

  const traces = stackTraces(options.tracing, cache === null ? null : addresses.redis, now);
  opened(traces.close);
  const cacheProjections =
    cache === null || options.projections === false
      ? null
      : openCacheProjections({ kafka, log, guard, cache, decoder, traces, ttlOf, older, now });

  const openEngine = ({ catalog, onFilled }: EngineContext): Engine => {
    topics = stackTopics(catalog);
    const generations = flinkEngine({
      log,
      cache,
      decoder,
      jobs,
      cluster,
      settings,
      fetcher: (target) => tilesFetcher(target, tiles),
      leads: lease.holds,
      viewDefinition: (view, version) => catalog.definition('feature-view', view, version),
      sources: topics.sources,
      featureLogs: () => loggedServices(catalog).map(({ columns }) => columns),
      ensureHistory: (what) => history.ensure(what),
      historyStart: (source) => exclusively(() => history.start(source)),
      historyMarks: (query) => history.marks(query),
      unread: (topic, read) => history.unread(topic, read),
      async lostEvents(topic) {
        await history.observe(topic);
        return history.lost(topic);
      },
      historyEndOffsets: (topic) => history.endOffsets(topic),
      topicProblem: guard.problem,
      clean: garbageCollection({
        ...flinkAt,
        cache,
        paimon,
        jobStore,
        now: Date.now,
        graceMs: options.garbageCollectionMs ?? GARBAGE_COLLECTION_MS,
      }),
      onFilled,
      nudge: log.nudge,
      onFolded: noteFolded,
      warn,
    });
    flink = generations;
    const maintenance = keepTablesSmall({
      ...options.maintenance,
      gateway: addresses.sqlGateway,
      tables,
      topics: topics.tables,
      leads: lease.holds,
      warn,
    });
    const ingestWorkers = openIngestWorkers(kafka, catalog, { log, schemas, now, guard });
    return {
      ...generations,
      readsByStore: () => ({ ...readsByStore }),
      degraded: () => tiles.degraded() | generations.degraded(),
      async reconcile(wanted, answers) {
        await generations.reconcile(wanted, answers);
        await cacheProjections?.follow(wanted);
        if (options.projections !== false) await ingestWorkers.follow();
      },
      async close() {
        await maintenance.close();
        await ingestWorkers.close();
        await generations.close();
        await cacheProjections?.close();
      },
    };
  };

  const { keepLogMs: keepMs = null } = options;
  const openTrimming = (keepLogMs: number): OpenRetention =>
    function openTrimmed(running, _limited, isCurrent) {
      const mayTrim = (): boolean => lease.holds() && isCurrent();
      const own = topics as StackTopics;
      const shared = { log, history, reach, exclusively, running, now, warn };
      const retention = openStackRetention({ ...shared, ...own, mayTrim, keepMs: keepLogMs });
      options.onParts?.({ retention });
      return retention;
    };

  return startPlatform({
    profile: 'stack',
    lineage:
      options.lineage == null
        ? null
        : {
            settings: options.lineage,
            leads: lease.holds,
            engine: { name: 'flink', version: VERSIONS.flink },
            places: stackPlaces(addresses, platform, cache !== null),
          },
    dataDirectory: addresses.directory,
    datasetDirectory: join(options.dataDirectory, 'datasets'),
    otherSqlEngines: stackSqlEngines(addresses, options.sqlEngines),
    spark: options.spark,
    joins: [flinkJoins({ ...flinkAt, tables, cluster, now })],
    now,
    warn,
    log: { ...log, offsetsAt: pastOffsets(log, history) },
    schemas,
    outboxLog,
    eventStore,
    auditStore,
    ...(options.auditAnchor === undefined ? {} : { auditAnchor: options.auditAnchor }),
    ...(options.auditKey === undefined ? {} : { auditKey: options.auditKey }),
    usage: mysqlUsageCounter(database),
    producerOwners: mysqlProducerOwners(database),
    datasetJobs: mysqlDatasetJobs(database),
    history: { ...history, problems: guard.problems },
    tables: tableDocuments(tables),
    ...traces.adapter,
    readTime: () => now() - CLOCK_STEP_MS,
    gatherMs: 200,
    // A compute job reads all of a source.
    partialReplays: false,
    // Starting a Flink job takes seconds, so no fill is short.
    shortFillEvents: null,
    openEngine,
    ...(keepMs === null ? {} : { openRetention: openTrimming(keepMs) }),
    keepsHistory: true,
    decodeUpdate: ({ plan }, record) => decoder.decode(plan, record),
    rollups: {
      write: stackRollup(
        { ...flinkAt, tables, now, log, jobs, cluster },
        (view, generation) => flink?.generation(view, generation) ?? null,
      ),
    },
    storage: stackStorage(log, guard),
    materializations: stackMaterializations({ platform, log, history, cache, tables }),
    async close() {
      traces.close();
      await guard.close();
      await cache?.close();
      await durable.close();
      await lease.close();
      await database.close();
    },
  });
};
