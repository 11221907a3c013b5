/**
 * A platform out of adapters: what every profile wires in the same way. A profile picks the
 * adapters and the engine; commands, projections and gateways do not know which it was.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAccess } from '#application/authorization/access.ts';
import { applyDefinitions, planDefinitions } from '#commands/apply.ts';
import { createCommandBus } from '#commands/command-bus.ts';
import { createFeatureLog } from '#commands/feature-log/feature-log.ts';
import { createPublish } from '#commands/ingest/publish.ts';
import { openSourceIngest, type SourceIngest } from '#commands/ingest/source-ingest.ts';
import { createKeys } from '#commands/keys/create-keys.ts';
import { lookupsOf } from '#commands/registering.ts';
import type { RollupRequest, RollupResult } from '#domain/api/datasets.ts';
import type { Areas, Platform } from '#domain/api/platform.ts';
import type { Publishing } from '#domain/api/publishing.ts';
import type { Registry } from '#domain/api/registry.ts';
import type { Serving } from '#domain/api/serving.ts';
import { isKeyStream } from '#domain/authorization/keys.ts';
import { scopeOfInputs } from '#domain/definitions/check-on-demand.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';
import type { Access } from '#domain/ports/access.ts';
import type { AuditStore } from '#domain/ports/audit-store.ts';
import {
  type Degraded,
  type DegradedMode,
  degraded,
  modesOf,
  NOT_DEGRADED,
} from '#domain/ports/degraded.ts';
import type { Engine, EngineEvents, EngineGeneration } from '#domain/ports/engine.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { REGISTRY_TOPIC, rawTopic } from '#domain/ports/topics.ts';
import type { UsageCounter } from '#domain/ports/usage-counter.ts';
import { streamOf } from '#domain/registry/events.ts';
import { encodeCommit, registryRecordSchema } from '#domain/registry/registry-record.ts';
import { createRawDecoders, type RawDecoders } from '#domain/sources/raw-decoders.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { openRuns } from '#infra/openlineage/open-runs.ts';
import type { LineageSettings } from '#infra/openlineage/settings.ts';
import { transportTo } from '#infra/openlineage/transport.ts';
import { flinkSqlOf } from '#infra/profiles/flink-sql-of.ts';
import { followedPosition } from '#infra/profiles/followed-position.ts';
import { type Traces, traceAreas } from '#infra/profiles/traced-platform.ts';
import { tracedRawEvents } from '#infra/profiles/traced-stores.ts';
import { wantedViews } from '#infra/profiles/wanted-views.ts';
import { createMetrics } from '#infra/telemetry/metrics.ts';
import { trainingSetBuilder } from '#infra/training-sets/builder.ts';
import { openAudit } from '#projections/audit/audit.ts';
import { type Catalog, openCatalog, overlay } from '#projections/catalog/catalog.ts';
import { createRegistryQueries, type EntriesDependencies } from '#projections/catalog/entries.ts';
import { createExplain } from '#projections/explain/explain.ts';
import { createRecentUpdates, type DecodeUpdate } from '#projections/explain/recent-updates.ts';
import { createEventExport } from '#projections/exports/event-export.ts';
import { createFeatureLogQueries } from '#projections/feature-log/feature-log-queries.ts';
import { createFeatureLogRows } from '#projections/feature-log/feature-log-rows.ts';
import { loggedServices, versionsNow } from '#projections/feature-log/feature-log-tables.ts';
import { createKeyIndex } from '#projections/keys/key-index.ts';
import { createLateEvents } from '#projections/late/late.ts';
import { producerOf } from '#projections/lineage/event.ts';
import { type Lineage, openLineage } from '#projections/lineage/lineage.ts';
import type { LineageEmitter } from '#projections/lineage/names.ts';
import { publishOutbox } from '#projections/outbox/publish-outbox.ts';
import { createRejected } from '#projections/rejected/rejected.ts';
import { createReplays } from '#projections/replays/replays.ts';
import { createRawEvents } from '#projections/serving/raw-events.ts';
import { createRead } from '#projections/serving/read.ts';
import { viewModes } from '#projections/serving/view-modes.ts';
import { createWaitFor } from '#projections/serving/wait-for.ts';
import { createSkew } from '#projections/skew/skew.ts';
import { createStatus } from '#projections/status/status.ts';
import { createTrainingSets } from '#projections/training-sets/training-sets.ts';
import packageJson from '../../package.json' with { type: 'json' };

export interface EngineContext extends EngineEvents {
  readonly catalog: Catalog;
  readonly decoders: RawDecoders;
}

export interface Adapters {
  readonly profile: string;
  readonly dataDirectory: string;
  /** where files of data sets go that name no place of their own */
  readonly datasetDirectory: string;
  readonly now: () => number;
  readonly warn: (message: string) => void;
  readonly log: Log;
  /**
   * the outbox's own way to the log, closed with it, where its appends must not share a transaction
   * with others; absent: `log`
   */
  readonly outboxLog?: Log;
  readonly schemas: SchemaRegistry;
  readonly eventStore: EventStore;
  readonly auditStore: AuditStore;
  readonly usage: UsageCounter;
  readonly history: HistoryTables;
  /** absent: traces are off */
  readonly traces?: Traces;
  /** a time such that what is read now is what was known then */
  readonly readTime: () => number;
  /**
   * how long changes of the registry are gathered before they are followed, ms: starting a job
   * takes seconds, and a file has many definitions
   */
  readonly gatherMs: number;
  readonly engine: (context: EngineContext) => Engine | Promise<Engine>;
  readonly decodeUpdate: DecodeUpdate;
  readonly materializations: (
    view: string,
    live: EngineGeneration,
  ) => ReturnType<EntriesDependencies['materializations']>;
  /** absent: nobody asked for OpenLineage events */
  readonly lineage?: Pick<LineageEmitter, 'engine' | 'places'> & {
    readonly settings: LineageSettings;
    readonly leads: () => boolean;
  };
  /** absent: this profile makes none */
  readonly rollup?: (request: RollupRequest, live: EngineGeneration) => Promise<RollupResult>;
  /** called once the registry is open: work of this profile that needs it */
  readonly started?: (context: {
    readonly catalog: Catalog;
    readonly openSource: (name: string) => Promise<SourceIngest | null>;
  }) => Promise<void>;
  /** after everything else has stopped */
  readonly close: () => Promise<void>;
}

const REGISTRY_STALE = degraded('registry-stale');
/** Heard of so long ago, the event store does not answer. */
const REGISTRY_SILENT_MS = 3_000;
const FOLLOW_AGAIN_MS = 2_000;
const AFTER_DEADLINE_MS = 5_000;

const lineageOf = async (
  { lineage, outboxLog, log, datasetDirectory, now, warn }: Adapters,
  parts: {
    readonly schemas: SchemaRegistry;
    readonly eventStore: EventStore;
    readonly engine: Engine;
  },
): Promise<Lineage | null> => {
  if (lineage === undefined) return null;
  const { settings, leads, engine, places } = lineage;
  const emitter = {
    engine,
    places,
    namespace: settings.namespace,
    producer: producerOf(packageJson.version),
  };
  const { schemas, eventStore } = parts;
  return openLineage({
    emitter,
    everyMs: settings.everyMs,
    transport: transportTo(settings.target),
    openRuns: (onAbandoned) => openRuns(datasetDirectory, onAbandoned),
    leads,
    log: outboxLog ?? log,
    schemas,
    eventStore,
    running: parts.engine.running,
    now,
    warn,
  });
};

export const assemblePlatform = async (adapters: Adapters): Promise<Platform> => {
  const { log, schemas, history, now, warn, readTime } = adapters;
  const metrics = createMetrics();
  const eventStore = metrics.timed(adapters.eventStore);
  const startedAt = now();
  const registrySchemaId = await schemas.register(`${REGISTRY_TOPIC}-value`, registryRecordSchema);
  const outbox = await publishOutbox(eventStore, adapters.outboxLog ?? log, (commit) => [
    {
      topic: REGISTRY_TOPIC,
      partition: 0,
      key: commit.stream,
      value: encodeCommit(commit),
      schemaId: registrySchemaId,
    },
  ]);
  const keys = createKeyIndex();
  const catalog = await openCatalog(eventStore, [keys.take]);
  const audit = await openAudit(eventStore, adapters.auditStore);
  const bus = createCommandBus({ eventStore, catalog, now, newId: randomUUID });
  const decoders = createRawDecoders(schemas);
  const ingests = new Map<string, SourceIngest>();
  /** A source's intake, of its newest version. */
  const openSource = async (name: string): Promise<SourceIngest | null> => {
    const definition = catalog.definition('source', name);
    const version = catalog.stream('source', name)?.state.versions.at(-1)?.version ?? 0;
    if (definition === null) return null;
    const open = ingests.get(name);
    if (open?.version === version) return open;
    const ingest = await openSourceIngest(definition, version, { log, schemas, now }, open ?? null);
    await decoders.learn(definition);
    ingests.set(name, ingest);
    return ingest;
  };

  const engine = await adapters.engine({
    catalog,
    decoders,
    onFilled: (view, generation) =>
      bus.system(
        { type: 'SystemGenerationFilled', view, generation },
        streamOf('feature-view', view),
      ),
    onFailed(view, generation, error) {
      warn(`generation ${generation} of view "${view}" has stopped: ${error.message}`);
      return bus.system(
        { type: 'SystemGenerationFailed', view, generation, error: error.message },
        streamOf('feature-view', view),
      );
    },
  });
  const followed = followedPosition();
  /** service → the versions that its reads were last planned with */
  const planned = new Map<string, ReturnType<typeof versionsNow>>();
  const featureLog = createFeatureLog({
    log,
    schemas,
    versions: (service) => planned.get(service) ?? versionsNow(catalog, service),
    newId: randomUUID,
    warn,
    logged: metrics.featureLogRows,
    dropped: metrics.featureLogDropped,
  });
  const featureLogRows = createFeatureLogRows({ log, history, schemas });
  const broken = new Map<string, string>();
  let settling: Promise<void> = Promise.resolve();
  let queued = false;
  /** why the registry is not followed; '' where it is */
  let said = '';
  let closing: Promise<void> | null = null;
  /**
   * Changes that come together are followed together: a reconciliation that has not begun takes in
   * what comes meanwhile.
   */
  const reconcile = (): Promise<void> => {
    if (queued) return settling;
    queued = true;
    settling = settling
      .then(async () => {
        if (adapters.gatherMs > 0) await sleep(adapters.gatherMs);
        queued = false;
        for (const { name } of catalog.streams('source')) await openSource(name);
        const services = loggedServices(catalog);
        for (const { columns } of services) metrics.featureLogService(columns.service);
        await featureLog.follow(services);
        broken.clear();
        const upTo = catalog.position();
        await engine.reconcile(
          wantedViews(catalog, (view, error) => broken.set(view, messageOf(error))),
          () => followed.reached(upTo),
        );
        said = '';
        followed.reached(upTo);
      })
      .catch((error: unknown) => {
        const message = `the computation could not follow the registry, and will be tried again: ${messageOf(error)}`;
        if (message !== said) warn(message);
        said = message;
        setTimeout(() => {
          if (closing === null) void reconcile();
        }, FOLLOW_AGAIN_MS).unref();
      });
    return settling;
  };
  catalog.onChange((commits) => {
    const { position = 0 } = commits.at(-1) ?? {};
    if (commits.some(({ events, stream }) => events.length > 0 && !isKeyStream(stream)))
      void reconcile();
    else
      void settling.then(() => {
        if (said === '') followed.reached(position);
      });
  });
  await reconcile();
  await adapters.started?.({ catalog, openSource });

  const lineage = await lineageOf(adapters, { schemas, eventStore, engine });

  const generationIn = (view: string, states: readonly string[]): EngineGeneration | null => {
    const found = catalog
      .stream('feature-view', view)
      ?.state.generations.find((g) => states.includes(g.state));
    return found === undefined ? null : engine.generation(view, found.generation);
  };
  const liveGeneration = (view: string): EngineGeneration | null => generationIn(view, ['live']);
  const late = createLateEvents(log);
  const rawEvents = tracedRawEvents(
    adapters.traces?.tracing,
    createRawEvents({
      log,
      history,
      decode: (source, schemaId, value) => {
        const row = decoders.decode(schemaId, value);
        return { row, eventTime: decoders.eventTime(source, row) };
      },
    }),
  );
  const knownBelow = (source: string, known: number): Promise<readonly number[]> =>
    log.offsetsAt(rawTopic(source), known);
  const waitFor = createWaitFor({
    onProgress(listener) {
      const stops = [engine.onProgress(listener), followed.onProgress(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    deadlineMs: AFTER_DEADLINE_MS,
  });
  const registryModes = (): Degraded => {
    const heardAt = eventStore.heardAt?.() ?? null;
    return heardAt !== null && Date.now() - heardAt > REGISTRY_SILENT_MS
      ? REGISTRY_STALE
      : NOT_DEGRADED;
  };
  const shared = (): Degraded => (engine.degraded?.() ?? NOT_DEGRADED) | registryModes();
  const modesNow = (): readonly DegradedMode[] => {
    const at = readTime();
    const live = catalog
      .streams('feature-view')
      .flatMap(({ name }) => liveGeneration(name)?.served ?? []);
    return modesOf(
      live.reduce(
        (set, served) => set | viewModes(served, served.completeThrough(at), at),
        shared(),
      ),
    );
  };
  const read = createRead({
    definitions: {
      service(name) {
        planned.set(name, versionsNow(catalog, name));
        return catalog.definition('feature-service', name);
      },
      onDemand: (name) => catalog.definition('on-demand-feature', name),
      scope: (definition) => scopeOfInputs(definition, lookupsOf(overlay(catalog, []))),
    },
    views: engine,
    rawEvents,
    readTime,
    knownBelow,
    leftOut: late.leftOut,
    waitFor,
    registry: { position: followed.position, head: eventStore.head },
    degraded: shared,
  });
  /**
   * What another process has registered a moment ago is looked for before it is said that there is
   * no such source.
   */
  const ingest = async (name: string): Promise<SourceIngest | null> => {
    const known = await openSource(name);
    if (known !== null) return known;
    await catalog.catchUp().catch(() => {});
    return openSource(name);
  };
  const publishEvents = createPublish({ log, ingest, now });
  const replays = createReplays({
    catalog,
    execute: bus.execute,
    generation: engine.generation,
    liveGeneration,
    settled: () => settling,
  });
  const status = createStatus({
    profile: adapters.profile,
    version: packageJson.version,
    startedAt,
    dataDirectory: adapters.dataDirectory,
    log,
    history,
    catalog,
    liveGeneration,
    fillingGeneration: (view) => generationIn(view, ['filling', 'ready']),
    problem: (view) => broken.get(view) ?? null,
    replays: replays.list,
    now,
    memoryBytes: () => process.memoryUsage.rss(),
    ...(engine.jobs === undefined ? {} : { jobs: engine.jobs }),
    ...(engine.readsByStore === undefined ? {} : { readsByStore: engine.readsByStore }),
    degraded: modesNow,
  });
  const publish: Publishing['publish'] = async (request, caller) => {
    const started = performance.now();
    const result = await publishEvents(request, caller);
    const seconds = (performance.now() - started) / 1000;
    metrics.published(request.source, seconds, result.accepted, result.duplicates, result.rejected);
    if (request.untilReadable === true)
      await waitFor(parseTopicPosition(result.position), () =>
        engine
          .running()
          .filter(
            ({ spec }) =>
              spec.source.name === request.source && liveGeneration(spec.view)?.spec === spec,
          )
          .map((generation) => generation.positions()),
      );
    return result;
  };
  const datasets = createTrainingSets({
    builder: trainingSetBuilder({ files: localFiles(), directory: adapters.datasetDirectory }),
    catalog,
    log,
    history,
    engine,
    late,
    readTime,
    now,
    newId: randomUUID,
    ...(lineage === null ? {} : { emit: lineage.datasetChanged }),
  });

  const guards: Access[] = [];
  const close = async (): Promise<void> => {
    for (const guard of guards) await guard.close();
    await settling;
    await featureLog.close();
    await datasets.close();
    await lineage?.close();
    await engine.close();
    await outbox.stop();
    await audit.close();
    catalog.close();
    await history.close();
    await log.close();
    await adapters.outboxLog?.close();
    await eventStore.close();
    await adapters.close();
  };

  const publishing: Publishing = {
    publish,
    async producerSequence(source, producer) {
      await openSource(source);
      return log.producerSequence(producer, rawTopic(source));
    },
    exportEvents: createEventExport({
      log,
      history,
      source: (name) => catalog.definition('source', name),
      decode: decoders.decode,
    }),
    ...createRejected({ log, source: (name) => catalog.definition('source', name), publish }),
  };
  const serving: Serving = {
    async read(request, caller) {
      const started = performance.now();
      const result = await read(request);
      metrics.read(
        (performance.now() - started) / 1000,
        result.values.length,
        request.known !== undefined,
      );
      if (result.degraded !== undefined) metrics.degraded(result.degraded);
      if (caller !== undefined && request.service !== undefined)
        featureLog.note(request, result, caller);
      return result;
    },
    explain: createExplain({
      read,
      views: engine,
      rawEvents,
      history,
      definition: async (view, version) =>
        catalog.stream('feature-view', view)?.state.versions.find((v) => v.version === version)
          ?.definition ?? null,
      knownBelow,
      leftOut: late.leftOut,
      recentUpdates: createRecentUpdates(log, history, adapters.decodeUpdate),
    }),
    ...createFeatureLogQueries({ catalog, rows: featureLogRows, flush: featureLog.flush }),
    skew: createSkew({
      catalog,
      log,
      history,
      late,
      rows: featureLogRows,
      flush: featureLog.flush,
      target: datasets.target,
      eventTimeValues: datasets.eventTimeValues,
      readTime,
    }),
  };
  const registry: Registry = {
    async command(request, caller) {
      const result = await bus.execute(request, caller);
      await settling;
      return result;
    },
    plan: async (definitions) =>
      planDefinitions(
        catalog,
        definitions.map((d) => parseDefinition(d)),
      ),
    async apply(definitions, applyOptions, caller) {
      const result = await applyDefinitions(
        catalog,
        bus,
        definitions.map((d) => parseDefinition(d)),
        applyOptions,
        caller,
      );
      await settling;
      // A new view over an empty source is live at once: whoever applied it may read it.
      await new Promise((resolve) => setImmediate(resolve));
      await settling;
      return result;
    },
    ...createRegistryQueries({
      catalog,
      async materializations(view) {
        const live = liveGeneration(view);
        return live === null ? [] : adapters.materializations(view, live);
      },
      sql: (view, version) => flinkSqlOf(catalog, view, version),
    }),
    async lineageEvents({ after = 0, limit = 100 }) {
      if (lineage === null)
        return fail(
          'MR_REFUSED',
          'no OpenLineage events are kept: start with `millrace serve --openlineage URL`, or with `log`',
          {},
        );
      const { records, next } = await lineage.events(after, limit);
      return { events: records.map(({ event }) => JSON.parse(event) as unknown), next };
    },
  };
  const areas: Areas = {
    publishing,
    serving,
    registry,
    datasets: {
      start: datasets.start,
      get: datasets.get,
      cancel: datasets.cancel,
      batch: datasets.batch,
      async rollup(request) {
        const { view } = request;
        if (adapters.rollup === undefined)
          return fail(
            'MR_REFUSED',
            `the ${adapters.profile} profile makes no rollups: use the stack profile, or \`millrace batch ${view} --at TIME --out FILE\``,
            { view },
          );
        const live = liveGeneration(view);
        if (live !== null) return adapters.rollup(request, live);
        if (catalog.stream('feature-view', view) === null)
          return fail('MR_NOT_FOUND', `there is no feature view "${view}"`, { view });
        return fail('MR_VIEW_NOT_READY', `no generation of "${view}" is live yet`, { view });
      },
    },
    replays,
    audit: { log: audit.log, verify: audit.verify },
    keys: createKeys(keys, bus),
    operations: {
      status: status.status,
      freshness: status.freshness,
      late: async (view, query) => {
        const live = liveGeneration(view) ?? generationIn(view, ['filling', 'ready']);
        const version = catalog.stream('feature-view', view)?.state.versions.at(-1)?.version;
        if (version === undefined)
          return fail('MR_NOT_FOUND', `there is no feature view "${view}"`, { view });
        return late.report(live?.spec.plan ?? catalog.plan(view, version), query.limit);
      },
      async metrics() {
        const [now, freshness, head, told] = await Promise.all([
          status.status(),
          status.freshness(),
          eventStore.head(),
          lineage?.stats() ?? null,
        ]);
        return metrics.text({
          status: now,
          freshness,
          lineage: told,
          outbox: { head, position: outbox.position(), failing: outbox.error() !== null },
        });
      },
      ready: () => closing === null,
      degraded: modesNow,
    },
  };
  const platform: Platform = {
    ...areas,
    ...(adapters.traces === undefined
      ? {}
      : {
          ...traceAreas(areas, { ...adapters.traces, views: engine, now }),
          tracing: adapters.traces.tracing,
        }),
    access(options) {
      const access = createAccess(
        { platform, catalog, keys, eventStore, counter: adapters.usage, now, warn },
        options,
      );
      guards.push(access);
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
