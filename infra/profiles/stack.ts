/**
 * The stack profile: the same platform on the real systems. This file picks the adapters;
 * `assemble.ts` wires them.
 *
 *   log Apache Kafka schemas a Confluent-compatible registry
 *   event store, audit MySQL or MariaDB (or KurrentDB) compute Apache Flink, SQL compiled from the
 *   definitions
 *   online store Redis (cache), Paimon (durable) history Apache Iceberg, appended by Flink
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { EngineContext } from '#application/dependencies.ts';
import type { Platform } from '#domain/api/platform.ts';
import { updateDecoder } from '#domain/encoding/update-decoder.ts';
import { fail } from '#domain/errors.ts';
import type { Engine } from '#domain/ports/engine.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { TilesTarget } from '#domain/ports/online-store.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import type { JobSettings } from '#infra/flink/compute-job.ts';
import { type FlinkEngine, flinkEngine } from '#infra/flink/engine.ts';
import { garbageCollection } from '#infra/flink/garbage-collection.ts';
import type { FlinkGeneration } from '#infra/flink/generation.ts';
import { openStackHistory } from '#infra/flink/history.ts';
import { openJobStore } from '#infra/flink/job-store.ts';
import { flinkJobs } from '#infra/flink/jobs.ts';
import { type KeepSmallOptions, keepTablesSmall } from '#infra/flink/maintenance.ts';
import { materializeJobFor } from '#infra/flink/materialize-jobs.ts';
import { rollUp, rollupsOf } from '#infra/flink/rollup.ts';
import {
  ARCHIVE_JOB,
  DATABASE,
  historyTable,
  MATERIALIZE_GROUP,
  paimonTable,
} from '#infra/flink/sql/names.ts';
import { rollupTopics } from '#infra/flink/sql/rollup.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { subscribe } from '#infra/kafka/subscribe.ts';
import { mysqlAuditStore } from '#infra/mysql/audit-store.ts';
import { openMysql } from '#infra/mysql/database.ts';
import { mysqlLease } from '#infra/mysql/lease.ts';
import { mysqlUsageCounter } from '#infra/mysql/usage-counter.ts';
import type { LineageSettings } from '#infra/openlineage/settings.ts';
import { openIngestWorkers } from '#infra/profiles/ingest-workers.ts';
import { stackPlaces } from '#infra/profiles/lineage-locations.ts';
import { openRegistryStore } from '#infra/profiles/registry-store.ts';
import { type OnlineOptions, stackOnline } from '#infra/profiles/stack-online.ts';
import { stackTraces } from '#infra/profiles/stack-traces.ts';
import { startPlatform } from '#infra/profiles/start-platform.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { VERSIONS } from '#infra/stack/versions.ts';
import { type CacheProjection, cacheProjection } from '#projections/cache/cache-projection.ts';
import { loggedServices } from '#projections/feature-log/feature-log-tables.ts';
import { tilesFetcher } from '#projections/serving/online-tiles.ts';

export interface StackOptions extends OnlineOptions {
  readonly addresses: StackAddresses;
  /** this process's own files (data sets); the servers' are in the stack's directory */
  readonly dataDirectory: string;
  readonly now?: () => number;
  readonly warn?: (message: string) => void;
  /** where OpenLineage events go; absent: none are made */
  readonly lineage?: LineageSettings | null;
  /** absent, null: traces are off */
  readonly tracing?: Tracing | null;
  /** whether this process keeps the cached copy, beside serving; default true */
  readonly projections?: boolean;
  /** how long a retired generation's tables stay, ms; default a minute */
  readonly garbageCollectionMs?: number;
  /** how the history's tables are kept small */
  readonly maintenance?: Pick<KeepSmallOptions, 'limits' | 'everyCommits' | 'pollMs'>;
  readonly settings?: Partial<
    Pick<JobSettings, 'parallelism' | 'miniBatchMs' | 'archiveEveryMs' | 'paimon'>
  >;
}

const LEFTOVERS_MS = 60_000;
const CLOCK_STEP_MS = 1;

export const startStack = async (options: StackOptions): Promise<Platform> => {
  const { addresses } = options;
  const now = options.now ?? Date.now;
  const warn = options.warn ?? ((message: string) => void process.stderr.write(`${message}\n`));
  const clientId = `millrace-${hostname()}-${process.pid}`;
  const kafka = { brokers: [addresses.kafka], clientId, warn };
  const log = await kafkaLog(kafka);
  // Who waits for a commit that a dead gateway left half written must not make producers wait in
  // the same transaction.
  const outboxLog = await kafkaLog({ ...kafka, clientId: `${clientId}-outbox` });
  const schemas = confluentSchemaRegistry({ url: addresses.registry });
  const database = await openMysql(addresses.mysql);
  const auditStore = mysqlAuditStore(database);
  const eventStore = await openRegistryStore(database, auditStore, addresses.mysql.database);
  const lease = await mysqlLease(database, 'millrace.jobs');
  const files = localFiles();
  const directoryOf = (path: string): Directory => ({ files, uri: fileUri(path) });
  const tables = directoryOf(addresses.warehouse.iceberg);
  const history = await openStackHistory({
    tables,
    spillDirectory: join(addresses.warehouse.iceberg, '.spill'),
    warehouse: addresses.warehouse,
    gateway: addresses.sqlGateway,
    log,
    now,
    maintenance: options.maintenance?.limits,
  });
  const decoder = updateDecoder(schemas);
  const cluster = flinkCluster(addresses.flink);
  const jobStore = openJobStore(
    directoryOf(join(addresses.directory, 'flink', 'jobs')),
    directoryOf(addresses.checkpoints),
  );
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
  const running = ({ plan, generation }: TilesTarget): FlinkGeneration | null =>
    flink?.generation(plan.view, generation) ?? null;
  const { cache, durable, tiles, readsByStore, ttlOf, older } = stackOnline({
    ...options,
    running,
    now,
    warn,
    tracing: options.tracing ?? null,
  });

  const traces = stackTraces(options.tracing, cache === null ? null : addresses.redis, now);
  const projections = new Map<string, CacheProjection>();
  const keepCache = async (views: Parameters<Engine['reconcile']>[0]): Promise<void> => {
    if (cache === null || options.projections === false) return;
    for (const { view, generations } of views) {
      const [first] = generations;
      if (first === undefined) continue;
      const projection =
        projections.get(view) ??
        cacheProjection({
          subscribe: (subscription) => subscribe({ ...kafka, ...subscription }),
          view,
          partitions: (await log.end(featuresTopic(view))).length,
          store: cache,
          decoder,
          ttlOf,
          now,
          ends: () => log.end(featuresTopic(view)),
          ...traces.ofCache(view, rawTopic(first.spec.source.name)),
          ...(generations.some(({ spec }) => spec.plan.ephemeral !== null) ? { older } : {}),
        });
      projections.set(view, projection);
      await projection.follow(
        generations.map(({ spec }) => ({ plan: spec.plan, generation: spec.generation })),
      );
    }
  };

  const openEngine = ({ catalog, onFilled }: EngineContext): Engine => {
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
      sources: () =>
        catalog.streams('source').flatMap(({ name }) => catalog.definition('source', name) ?? []),
      featureLogs: () => loggedServices(catalog).map(({ columns }) => columns),
      ensureHistory: (what) => history.ensure(what),
      historyStart: (source) => history.start(source),
      historyEndOffsets: (topic) => history.endOffsets(topic),
      clean: garbageCollection({
        cache,
        gateway: addresses.sqlGateway,
        warehouse: addresses.warehouse,
        paimon: directoryOf(addresses.warehouse.paimon),
        jobStore,
        now: Date.now,
        graceMs: options.garbageCollectionMs ?? LEFTOVERS_MS,
      }),
      onFilled,
      nudge: log.nudge,
      warn,
    });
    flink = generations;
    const maintenance = keepTablesSmall({
      ...options.maintenance,
      gateway: addresses.sqlGateway,
      tables,
      topics: () => [
        ...catalog.streams('source').map(({ name }) => rawTopic(name)),
        ...catalog
          .streams('feature-view')
          .flatMap(({ name }) => [featuresTopic(name), ...rollupTopics(name)]),
        ...loggedServices(catalog).map(({ columns }) => featureLogTopic(columns.service)),
      ],
      leads: lease.holds,
      warn,
    });
    const ingestWorkers = openIngestWorkers(kafka, catalog, { log, schemas, now });
    return {
      ...generations,
      readsByStore: () => ({ ...readsByStore }),
      degraded: () => tiles.degraded() | generations.degraded(),
      async reconcile(wanted, answers) {
        await generations.reconcile(wanted, answers);
        await keepCache(wanted);
        if (options.projections !== false) await ingestWorkers.follow();
      },
      async close() {
        await maintenance.close();
        await ingestWorkers.close();
        await generations.close();
        for (const projection of projections.values()) await projection.close();
      },
    };
  };

  const lineage = options.lineage ?? null;

  return startPlatform({
    profile: 'stack',
    ...(lineage === null
      ? {}
      : {
          lineage: {
            settings: lineage,
            leads: lease.holds,
            engine: { name: 'flink', version: VERSIONS.flink },
            places: stackPlaces(addresses, cache !== null),
          },
        }),
    dataDirectory: addresses.directory,
    datasetDirectory: join(options.dataDirectory, 'datasets'),
    now,
    warn,
    log,
    schemas,
    outboxLog,
    eventStore,
    auditStore,
    usage: mysqlUsageCounter(database),
    history,
    ...traces.adapter,
    readTime: () => now() - CLOCK_STEP_MS,
    gatherMs: 200,
    // A job of Flink starts in seconds.
    shortFillEvents: null,
    openEngine,
    decodeUpdate: ({ plan }, record) => decoder.decode(plan, record),
    rollup(request, { spec }) {
      const running = flink?.generation(request.view, spec.generation) ?? null;
      if (running === null)
        return fail('MR_VIEW_NOT_READY', `no generation of "${request.view}" is live yet`);
      return rollUp(
        {
          tables,
          warehouse: addresses.warehouse,
          gateway: addresses.sqlGateway,
          now,
          log,
          jobs,
          cluster,
        },
        running,
        request,
      );
    },
    async materializations(view, live) {
      const { generation, plan } = live.spec;
      const rollups = await rollupsOf(tables, view);
      const features = featuresTopic(view);
      const at = (topic: string, offsets: readonly (number | null)[]): string =>
        `${topic}@${offsets.map((offset, p) => `${p}:${offset ?? 0}`).join(',')}`;
      const eventTime = live.newestEventTime();
      const progress = await cache?.progress({ plan, generation }).catch(() => null);
      const kept = { generation, eventTime };
      return [
        ...(cache === null
          ? []
          : [
              {
                ...kept,
                store: 'redis',
                location: `mr:{${view}#${generation}}`,
                position: at(features, progress?.offsets ?? []),
                job: `projection cache.${view}`,
              },
            ]),
        {
          ...kept,
          store: 'paimon',
          location: `${DATABASE}.${paimonTable(view, generation)}`,
          position: at(features, await log.committed(MATERIALIZE_GROUP, features)),
          job: materializeJobFor({ view, flushMs: plan.ephemeral?.flushMs ?? null }),
        },
        {
          ...kept,
          store: 'iceberg',
          location: historyTable('features', view).replaceAll('`', ''),
          position: at(features, await history.endOffsets(features)),
          job: ARCHIVE_JOB,
        },
        ...rollups.map((rollup) => ({ ...kept, ...rollup })),
      ];
    },
    async close() {
      traces.close();
      await cache?.close();
      await durable.close();
      await lease.close();
      await database.close();
    },
  });
};
