/**
 * The embedded profile: one process, no service to start. This file picks the adapters and wires them; what they do is elsewhere.
 *
 *   log, event store, schema registry, audit   one SQLite database
 *   compute, online store                      tiles in memory, inside the log's transactions
 *   history                                    Iceberg tables on local disk, written by a worker thread
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { applyDefinitions, planDefinitions } from '#commands/apply.ts';
import { createCommandBus } from '#commands/command-bus.ts';
import { createPublish } from '#commands/publish/publish.ts';
import { openSourceIntake, type SourceIntake } from '#commands/publish/source-intake.ts';
import { lookupsOf } from '#commands/registering.ts';
import { scopeOfInputs } from '#domain/definitions/check-on-demand.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { fail } from '#domain/errors.ts';
import type { Platform } from '#domain/ports/platform.ts';
import { featuresTopic, REGISTRY_TOPIC, rawTopic } from '#domain/ports/topics.ts';
import { streamOf } from '#domain/registry/events.ts';
import { encodeCommit, registryRecordSchema } from '#domain/registry/registry-record.ts';
import type { Position } from '#domain/values/value.ts';
import type { ViewPlan } from '#domain/views/plan.ts';
import { type TileCodec, tileCodec } from '#domain/views/tile-codec.ts';
import { hybridClock } from '#infra/clock/hybrid-clock.ts';
import { createComputeManager } from '#infra/compute/compute-manager.ts';
import type { Generation } from '#infra/compute/generation.ts';
import { createRawDecoders } from '#infra/compute/raw-decoders.ts';
import { openSnapshots } from '#infra/compute/snapshots.ts';
import { openDataDirectory } from '#infra/data-directory/data-directory.ts';
import { createDatasets } from '#infra/datasets/datasets.ts';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { sqliteInput } from '#infra/iceberg/sqlite-input.ts';
import { publishOutbox } from '#infra/outbox/publish-outbox.ts';
import { wantedViews } from '#infra/profiles/wanted-views.ts';
import { sqliteAuditStore } from '#infra/sqlite/audit-store.ts';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { sqliteLog } from '#infra/sqlite/log.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { createMetrics } from '#infra/telemetry/metrics.ts';
import { openAudit } from '#projections/audit/audit.ts';
import { openCatalog, overlay } from '#projections/catalog/catalog.ts';
import { createRegistryQueries } from '#projections/catalog/entries.ts';
import { createExplain } from '#projections/explain/explain.ts';
import { createRecentUpdates } from '#projections/explain/recent-updates.ts';
import { createLateEvents } from '#projections/late/late.ts';
import { createRejected } from '#projections/rejected/rejected.ts';
import { createReplays } from '#projections/replays/replays.ts';
import { createRawEvents } from '#projections/serving/raw-events.ts';
import { createRead } from '#projections/serving/read.ts';
import { createWaitFor } from '#projections/serving/wait-for.ts';
import { createStatus } from '#projections/status/status.ts';
import packageJson from '../../package.json' with { type: 'json' };

export interface EmbeddedOptions {
  readonly dataDirectory: string;
  /** the machine's clock, epoch ms; tests give their own */
  readonly now?: () => number;
  /** where what concerns operators is said; stderr unless given */
  readonly warn?: (message: string) => void;
  /** how often the history commits by itself, ms; 0: only when asked */
  readonly historyEveryMs?: number;
}

const AFTER_DEADLINE_MS = 5_000;
/** A state is saved when many updates came since (a rebuild reads them again), and every minute where there was any. */
const SAVE_TICK_MS = 5_000;
const SAVE_UPDATES = 500_000;
const SAVE_ANY_TICKS = 12;

export const startEmbedded = async (options: EmbeddedOptions): Promise<Platform> => {
  const now = options.now ?? Date.now;
  const warn = options.warn ?? ((message) => process.stderr.write(`${message}\n`));
  const startedAt = now();
  const directory = openDataDirectory(options.dataDirectory);
  const database = openDatabase(directory.databasePath);
  const clock = hybridClock(now);
  const log = sqliteLog(database, clock);
  const eventStore = sqliteEventStore(database);
  const schemas = sqliteSchemaRegistry(database);
  const registrySchemaId = await schemas.register(`${REGISTRY_TOPIC}-value`, registryRecordSchema);
  const outbox = await publishOutbox(eventStore, log, (commit) => [
    { topic: REGISTRY_TOPIC, partition: 0, key: commit.stream, value: encodeCommit(commit), schemaId: registrySchemaId },
  ]);
  const catalog = await openCatalog(eventStore);
  const audit = await openAudit(eventStore, sqliteAuditStore(database));
  const bus = createCommandBus({ eventStore, catalog, now, newId: randomUUID });
  const history = await openIcebergHistory({
    data: directory.path,
    input: sqliteInput(directory.databasePath),
    writerMemory: '192MB',
    readerMemory: '256MB',
    // Rows that wait for a commit are memory: many small commits are compacted later.
    commitRows: 150_000,
    commitAtRows: 150_000,
    ...(options.historyEveryMs === undefined ? {} : { commitAfterMs: options.historyEveryMs }),
    onFailure: (topic, error) =>
      warn(`the history of ${topic} could not be written and will be tried again: ${error.code} ${error.message}`),
  });

  const decoders = createRawDecoders(schemas);
  const intakes = new Map<string, SourceIntake>();
  /** A source's intake, of its newest version. */
  const openSource = async (name: string): Promise<SourceIntake | null> => {
    const definition = catalog.definition('source', name);
    const version = catalog.stream('source', name)?.state.versions.at(-1)?.version ?? 0;
    if (definition === null) return null;
    const open = intakes.get(name);
    if (open?.version === version) return open;
    const intake = await openSourceIntake(definition, version, { log, schemas, now }, open ?? null);
    await decoders.learn(definition);
    intakes.set(name, intake);
    return intake;
  };

  const broken = new Map<string, string>();
  const manager = createComputeManager({
    log,
    schemas,
    decoders,
    snapshots: openSnapshots(join(directory.path, 'state')),
    onCaughtUp: ({ view, generation }) =>
      bus.system({ type: 'SystemGenerationFilled', view, generation }, streamOf('feature-view', view)),
    onFailed: ({ view, generation }, error) => {
      warn(`generation ${generation} of view "${view}" has stopped: ${error.message}`);
      return bus.system(
        { type: 'SystemGenerationFailed', view, generation, error: error.message },
        streamOf('feature-view', view),
      );
    },
  });
  let settling: Promise<void> = Promise.resolve();
  const reconcile = (): Promise<void> => {
    settling = settling
      .then(async () => {
        for (const { name } of catalog.streams('source')) await openSource(name);
        broken.clear();
        await manager.reconcile(
          wantedViews(catalog, (view, error) => broken.set(view, error instanceof Error ? error.message : String(error))),
        );
      })
      .catch((error: unknown) =>
        warn(`the computation could not follow the registry: ${error instanceof Error ? error.message : String(error)}`),
      );
    return settling;
  };
  catalog.onChange((commits) => {
    if (commits.some((commit) => commit.events.length > 0)) void reconcile();
  });
  await reconcile();

  const generationIn = (view: string, states: readonly string[]): Generation | null => {
    const found = catalog.stream('feature-view', view)?.state.generations.find((g) => states.includes(g.state));
    return found === undefined ? null : manager.generation(view, found.generation);
  };
  const codecs = new WeakMap<ViewPlan, TileCodec>();
  const codecOf = (plan: ViewPlan): TileCodec => {
    const codec = codecs.get(plan) ?? tileCodec(plan);
    codecs.set(plan, codec);
    return codec;
  };
  const liveGeneration = (view: string): Generation | null => generationIn(view, ['live']);
  const late = createLateEvents(log);
  const rawEvents = createRawEvents({
    log,
    history,
    decode: (source, schemaId, value) => {
      const row = decoders.decode(schemaId, value);
      return { row, eventTime: decoders.eventTime(source, row) };
    },
  });
  const knownBelow = (source: string, known: number): Promise<readonly number[]> => log.offsetsAt(rawTopic(source), known);
  const waitFor = createWaitFor({
    readers: (topic) => {
      if (topic === REGISTRY_TOPIC) return [[{ partition: 0, offset: catalog.position() }]];
      return manager
        .running()
        .filter((g) => rawTopic(g.spec.source.name) === topic && liveGeneration(g.spec.view) === g)
        .map((g): readonly Position[] => g.positions());
    },
    onProgress: (listener) => log.onAppend(listener),
    deadlineMs: AFTER_DEADLINE_MS,
  });
  const read = createRead({
    definitions: {
      service: (name) => catalog.definition('feature-service', name),
      onDemand: (name) => catalog.definition('on-demand-feature', name),
      scope: (definition) => scopeOfInputs(definition, lookupsOf(overlay(catalog, []))),
    },
    views: manager,
    rawEvents,
    readTime: () => clock.readTime(),
    knownBelow,
    leftOut: late.leftOut,
    waitFor,
  });
  const publishEvents = createPublish({ log, intake: openSource, now });
  const replays = createReplays({
    catalog,
    execute: bus.execute,
    generation: manager.generation,
    liveGeneration,
    settled: () => settling,
  });
  const status = createStatus({
    profile: 'embedded',
    version: packageJson.version,
    startedAt,
    dataDirectory: directory.path,
    log,
    history,
    catalog,
    liveGeneration,
    fillingGeneration: (view) => generationIn(view, ['filling', 'ready']),
    problem: (view) => broken.get(view) ?? null,
    replays: replays.replays,
    now,
    memoryBytes: () => process.memoryUsage.rss(),
  });
  const metrics = createMetrics(status.status);
  const publish: Platform['publish'] = async (request, caller) => {
    const result = await publishEvents(request, caller);
    metrics.published(request.source, result.accepted, result.duplicates, result.rejected.length);
    return result;
  };
  const datasets = createDatasets({
    directory: join(directory.path, 'datasets'),
    catalog,
    log,
    history,
    manager,
    late,
    now,
    clock,
  });

  let closing: Promise<void> | null = null;
  let ticks = 0;
  const saving = setInterval(() => {
    ticks = (ticks + 1) % SAVE_ANY_TICKS;
    manager
      .saveAll(ticks === 0 ? 1 : SAVE_UPDATES)
      .catch((error: unknown) => warn(`the engine's state could not be saved: ${String(error)}`));
  }, SAVE_TICK_MS);
  saving.unref();

  const close = async (): Promise<void> => {
    clearInterval(saving);
    await settling;
    await datasets.close();
    await manager.close();
    await outbox.stop();
    await audit.close();
    catalog.close();
    await history.close();
    await log.close();
    await eventStore.close();
    database.close();
    directory.close();
  };

  return {
    publish,
    async producerSequence(source, producer) {
      await openSource(source);
      return log.producerSequence(producer, rawTopic(source));
    },
    async read(request) {
      const started = performance.now();
      const result = await read(request);
      metrics.read((performance.now() - started) / 1000, result.values.length, request.known !== undefined);
      return result;
    },
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
        if (live === null) return [];
        const through = await history.through(featuresTopic(view));
        const eventTime = live.served.newestEventTime();
        const { generation } = live.spec;
        const positions = live
          .positions()
          .map((p) => `${p.partition}:${p.offset}`)
          .join(',');
        return [
          {
            store: 'online',
            location: `memory, ${live.store.tiles} tiles`,
            generation,
            through: `${rawTopic(live.spec.source.name)}@${positions}`,
            eventTime,
          },
          {
            store: 'iceberg',
            location: join(directory.path, 'history', 'features', view),
            generation,
            through: `${featuresTopic(view)}@0:${through[0] ?? 0}`,
            eventTime,
          },
        ];
      },
    }),
    startDataset: datasets.start,
    dataset: datasets.status,
    cancelDataset: datasets.cancel,
    batch: datasets.batch,
    ...replays,
    explain: createExplain({
      read,
      views: manager,
      rawEvents,
      history,
      definition: async (view, version) =>
        catalog.stream('feature-view', view)?.state.versions.find((v) => v.version === version)?.definition ?? null,
      knownBelow,
      leftOut: late.leftOut,
      recentUpdates: createRecentUpdates(log, history, ({ plan, schemaId }, record) =>
        record.schemaId === schemaId ? codecOf(plan).decode(record.value) : null,
      ),
    }),
    auditLog: audit.log,
    verifyAudit: audit.verify,
    ...createRejected({ log, source: (name) => catalog.definition('source', name), publish }),
    late: async (view, query) => {
      const live = liveGeneration(view) ?? generationIn(view, ['filling', 'ready']);
      const version = catalog.stream('feature-view', view)?.state.versions.at(-1)?.version;
      if (version === undefined) return fail('MR_NOT_FOUND', `there is no feature view "${view}"`, { view });
      return late.report(live?.spec.plan ?? catalog.plan(view, version), query.limit);
    },
    status: status.status,
    freshness: status.freshness,
    metrics: metrics.text,
    ready: () => closing === null,
    close() {
      closing ??= close();
      return closing;
    },
  };
};
