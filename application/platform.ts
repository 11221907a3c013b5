/**
 * A platform from its adapters: opens the parts in the order in which they need each other, creates
 * the areas from them, and closes the parts in the reverse order.
 */
import { randomUUID as newId } from 'node:crypto';
import { createCommandBus } from '#commands/command-bus.ts';
import { createFeatureLog } from '#commands/feature-log/feature-log.ts';
import type { Access, Areas, Platform } from '#domain/api/platform.ts';
import { closingOnFailure, type Opened } from '#domain/closing.ts';
import { createRawDecoders } from '#domain/sources/raw-decoders.ts';
import { createApprovalIndex } from '#projections/approvals/approval-index.ts';
import { openCatalog } from '#projections/catalog/catalog.ts';
import { createRowsAt } from '#projections/dimensions/rows-at.ts';
import { createErasureIndex } from '#projections/erasures/erasure-index.ts';
import { createImports } from '#projections/imports/imports.ts';
import { createKeyIndex } from '#projections/keys/key-index.ts';
import { createLateEvents } from '#projections/late/late.ts';
import { createWaitFor } from '#projections/serving/wait-for.ts';
import { createDatasetIndex } from '#projections/training-sets/dataset-index.ts';
import { createApprovalAreas } from './approvals/approval-areas.ts';
import { createProposals } from './approvals/proposals.ts';
import { createAudit, openAuditLog } from './audit.ts';
import { createAccess } from './authorization/access.ts';
import { createDatasets } from './datasets.ts';
import { createDegradedModes } from './degraded-modes.ts';
import type { PlatformDependencies } from './dependencies.ts';
import { recordEngineEvents } from './engine-events.ts';
import { createGenerations } from './generations.ts';
import { historyLimits, limitedSources } from './history-limits.ts';
import { createKeys } from './keys.ts';
import { createOperations } from './operations.ts';
import { openOutbox } from './outbox.ts';
import { openOwnLineage } from './own-lineage.ts';
import { createPublishing } from './publishing.ts';
import { createReadDefinitions } from './read-definitions.ts';
import { createRegistry } from './registry.ts';
import { followRegistry } from './registry-follower.ts';
import { createReplays } from './replays.ts';
import { createServing } from './serving.ts';
import { createSources } from './sources.ts';
import { createSql } from './sql.ts';
import { createTables } from './tables.ts';
import { traceAreas } from './traced-areas.ts';
import { trainingSetsOf } from './training-sets.ts';

/** How long a read waits for a position, at most. */
const AFTER_DEADLINE_MS = 5_000;

/** Where it fails, the parts that it opened are closed; the adapters are not. */
export const createPlatform = (dependencies: PlatformDependencies): Promise<Platform> =>
  closingOnFailure((opened) => openPlatform(dependencies, opened));

const openPlatform = async (dependencies: PlatformDependencies, opened: Opened) => {
  const { log, schemas, eventStore, history, metrics, traces, now, warn, readTime } = dependencies;
  const startedAt = now();
  const { clockLead = () => 0, memoryLow = () => false } = dependencies;
  const presentTime = (): number => readTime() - clockLead();

  const outbox = await openOutbox(eventStore, schemas, dependencies.outboxLog ?? log);
  opened(() => outbox.stop());
  const [keyIndex, approvalIndex] = [createKeyIndex(), createApprovalIndex()];
  const erasureIndex = createErasureIndex();
  const datasetIndex = createDatasetIndex();
  const takers = [keyIndex.take, approvalIndex.take, erasureIndex.take, datasetIndex.take];
  const catalog = await openCatalog(eventStore, takers);
  opened(() => catalog.close());
  const { audit, closeAudit } = await openAuditLog(dependencies);
  opened(closeAudit);
  const { horizon = () => null } = dependencies;
  const limits = historyLimits({ ...dependencies, horizon, catalog });
  const bus = createCommandBus({ ...dependencies, ...approvalIndex, catalog, limits, newId });
  const proposals = createProposals({ bus, catalog, index: approvalIndex, now });
  const decoders = createRawDecoders(schemas);
  const sources = createSources({ catalog, decoders, log, schemas, now });
  const engineEvents = recordEngineEvents(bus, warn);
  const engine = await dependencies.openEngine({ catalog, decoders, ...engineEvents });
  opened(() => engine.close());
  const { definitions, versions } = createReadDefinitions(catalog);
  const featureLog = createFeatureLog({
    log,
    schemas,
    versions,
    newId,
    warn,
    logged: metrics.featureLogRows,
    dropped: metrics.featureLogDropped,
  });
  opened(() => featureLog.close());
  const follower = await followRegistry({
    catalog,
    engine,
    sources,
    featureLog,
    metrics,
    gatherMs: dependencies.gatherMs,
    shortFillEvents: dependencies.shortFillEvents,
    warn,
  });
  opened(() => follower.close());
  const lineage = await openOwnLineage(dependencies, engine.running);
  opened(() => lineage?.close());
  const limited = () => limitedSources(catalog);
  const retention = dependencies.openRetention?.(engine.running, limited, follower.isCurrent);
  opened(() => retention?.stop());
  const generations = createGenerations(catalog, engine);
  const late = createLateEvents(log);
  const degradedModes = createDegradedModes({
    catalog,
    engine,
    generations,
    eventStore,
    readTime,
    clockLead,
    diskFull: dependencies.diskFull ?? (() => false),
    memoryLow,
    history,
  });
  const waitFor = createWaitFor({
    onProgress(listener) {
      const ends = [engine.onProgress(listener), follower.onProgress(listener)];
      return () => ends.forEach((end) => void end());
    },
    deadlineMs: AFTER_DEADLINE_MS,
  });
  const rowsAt = createRowsAt({ log, history, decode: decoders.decode });
  const imports = createImports({ catalog, log, history, decoders, now });
  const sql = createSql({ ...dependencies, catalog, featureLog });
  const trainingSets = trainingSetsOf(dependencies, {
    runStatement: (request, caller) => sql.query(request, caller),
    bus,
    datasetIndex,
    warn,
    catalog,
    log,
    imports,
    history,
    engine,
    late,
    rowsAt,
    waitFor,
    readTime,
    presentTime,
    now,
    newId,
    ...(lineage === null ? {} : { emit: lineage.datasetChanged }),
  });
  opened(() => trainingSets.close());
  await trainingSets.recover();
  const accesses: Access[] = [];
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    follower.stop();
    await retention?.stop();
    for (const access of accesses) await access.close();
    await follower.settled();
    await featureLog.close();
    await trainingSets.close();
    await lineage?.close();
    await engine.close();
    await outbox.stop();
    await closeAudit();
    catalog.close();
    await history.close();
    await log.close();
    await dependencies.outboxLog?.close();
    await eventStore.close();
    await dependencies.close();
  };

  const replays = createReplays({ catalog, bus, proposals, engine, generations, follower });
  const registry = createRegistry({
    eventStore,
    catalog,
    bus,
    proposals,
    follower,
    generations,
    materializations: dependencies.materializations,
    sql: (view, version) => dependencies.sql(catalog, view, version),
    datasets: datasetIndex.all,
    lineage,
  });
  const approvalAreas = await createApprovalAreas({
    bus,
    catalog,
    indexes: { approvals: approvalIndex, erasures: erasureIndex },
    keys: keyIndex,
    proposals,
    registry,
    runner: dependencies.erasures,
    now,
  });
  const areas: Areas = {
    publishing: createPublishing({
      catalog,
      log,
      history,
      sources,
      decoders,
      rowsAt,
      engine,
      generations,
      waitFor,
      imports,
      bus,
      metrics,
      memoryLow,
      now,
    }),
    serving: createServing({
      catalog,
      definitions,
      engine,
      follower,
      eventStore,
      log,
      history,
      schemas,
      decoders,
      decodeUpdate: dependencies.decodeUpdate,
      imports,
      late,
      featureLog,
      trainingSets,
      waitFor,
      degradedModes,
      metrics,
      readTime,
      presentTime,
      horizon,
      ...(traces === undefined ? {} : { tracing: traces.tracing }),
    }),
    registry,
    datasets: createDatasets({
      trainingSets,
      catalog,
      generations,
    }),
    sql,
    replays,
    audit: createAudit(audit),
    ...approvalAreas,
    keys: createKeys(keyIndex, bus, proposals),
    operations: createOperations({
      ...dependencies,
      startedAt,
      log,
      history,
      catalog,
      views: engine,
      problem: follower.problem,
      replays: replays.list,
      now,
      memoryBytes: () => process.memoryUsage.rss(),
      ...(engine.jobs === undefined ? {} : { jobs: engine.jobs }),
      ...(engine.readsByStore === undefined ? {} : { readsByStore: engine.readsByStore }),
      generations,
      degradedModes,
      late,
      eventStore,
      outbox,
      lineage,
      metrics,
      ready: () => closing === null,
    }),
    tables: createTables({ catalog, documents: dependencies.tables }),
  };
  const platform: Platform = {
    ...areas,
    ...(traces === undefined
      ? {}
      : { ...traceAreas(areas, { ...traces, views: engine, now }), tracing: traces.tracing }),
    access(options) {
      const access = createAccess(
        {
          platform,
          catalog,
          keys: keyIndex,
          approvals: approvalIndex,
          eventStore,
          counter: dependencies.usage,
          producers: dependencies.producerOwners,
          now,
          warn,
        },
        options,
      );
      accesses.push(access);
      return access;
    },
    requests: metrics.requests,
    close() {
      closing ??= close();
      return closing;
    },
  };
  return platform;
};
