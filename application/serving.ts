/** Reads, explanations, logged answers and skew. */
import type { FeatureLog } from '#commands/feature-log/feature-log.ts';
import type { Serving } from '#domain/api/serving.ts';
import { scopeOfInputs, typeOfOnDemand } from '#domain/definitions/check-on-demand.ts';
import type { Engine } from '#domain/ports/engine.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import type { Metrics } from '#domain/ports/metrics.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import { lookupsOf } from '#domain/registry/references.ts';
import { overlay } from '#domain/registry/registered.ts';
import { initialState, newestVersion } from '#domain/registry/state.ts';
import { type Knowledge, knowledgeAt } from '#domain/sources/knowledge.ts';
import type { RawDecoders } from '#domain/sources/raw-decoders.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { createExplain } from '#projections/explain/explain.ts';
import type { RegisteredOnDemand } from '#projections/explain/explain-on-demand.ts';
import { createRecentUpdates, type DecodeUpdate } from '#projections/explain/recent-updates.ts';
import { createFeatureLogQueries } from '#projections/feature-log/feature-log-queries.ts';
import { createFeatureLogRows } from '#projections/feature-log/feature-log-rows.ts';
import type { FindImports } from '#projections/imports/imports.ts';
import type { LateEvents } from '#projections/late/late.ts';
import { createPastGeneration } from '#projections/serving/past-generation.ts';
import { createRawEvents } from '#projections/serving/raw-events.ts';
import { createRead } from '#projections/serving/read.ts';
import type { ReadDefinitions } from '#projections/serving/read-plan.ts';
import { tracedRawEvents } from '#projections/serving/traced-stores.ts';
import type { WaitFor } from '#projections/serving/wait-for.ts';
import { createSkew } from '#projections/skew/skew.ts';
import type { TrainingSets } from '#projections/training-sets/training-sets.ts';
import type { DegradedModes } from './degraded-modes.ts';
import type { RegistryFollower } from './registry-follower.ts';

interface ServingDependencies {
  readonly catalog: Catalog;
  readonly definitions: ReadDefinitions;
  readonly engine: Engine;
  readonly follower: Pick<RegistryFollower, 'position'>;
  readonly eventStore: Pick<EventStore, 'head'>;
  readonly log: Log;
  readonly history: HistoryTables;
  readonly schemas: SchemaRegistry;
  readonly decoders: RawDecoders;
  readonly decodeUpdate: DecodeUpdate;
  readonly imports: FindImports;
  readonly late: LateEvents;
  readonly featureLog: Pick<FeatureLog, 'note' | 'flush'>;
  readonly trainingSets: Pick<TrainingSets, 'target' | 'eventTimeValues'>;
  readonly waitFor: WaitFor;
  readonly degradedModes: Pick<DegradedModes, 'shared'>;
  readonly metrics: Pick<Metrics, 'read' | 'degraded'>;
  readonly readTime: () => number;
  readonly presentTime: () => number;
  readonly horizon: (source: string) => number | null;
  /** absent: traces are off */
  readonly tracing?: Tracing;
}

const registeredOnDemand = (catalog: Catalog, name: string): RegisteredOnDemand | null => {
  const definition = catalog.definition('on-demand-feature', name);
  const registered = newestVersion(
    catalog.stream('on-demand-feature', name)?.state ?? initialState,
  );
  if (definition === null || registered === null) return null;
  const lookups = lookupsOf(overlay(catalog, []));
  return {
    definition,
    version: registered.version,
    type: typeOfOnDemand(definition, lookups),
    scope: scopeOfInputs(definition, lookups),
  };
};

export const createServing = (dependencies: ServingDependencies): Serving => {
  const { catalog, engine, log, history, schemas, decoders, late } = dependencies;
  const { featureLog, trainingSets, metrics, readTime, presentTime } = dependencies;
  const rawEvents = tracedRawEvents(
    dependencies.tracing,
    createRawEvents({
      log,
      history,
      decode(source, schemaId, value) {
        const row = decoders.decode(schemaId, value);
        return { row, eventTime: decoders.eventTime(source, row) };
      },
    }),
  );
  const knowledge = async (source: string, known: number): Promise<Knowledge> =>
    knowledgeAt(
      known,
      await log.offsetsAt(rawTopic(source), known),
      await dependencies.imports(source),
    );
  const pastGeneration = createPastGeneration(catalog);
  const read = createRead({
    definitions: dependencies.definitions,
    views: engine,
    pastGeneration,
    rawEvents,
    readTime,
    presentTime,
    horizon: dependencies.horizon,
    knowledge,
    ends: (source) => log.end(rawTopic(source)),
    leftOut: late.leftOut,
    waitFor: dependencies.waitFor,
    registry: {
      position: dependencies.follower.position,
      head: dependencies.eventStore.head,
    },
    degraded: dependencies.degradedModes.shared,
  });
  const rows = createFeatureLogRows({ log, history, schemas });

  return {
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
      pastGeneration,
      rawEvents,
      history,
      definition: async (view, version) =>
        catalog.stream('feature-view', view)?.state.versions.find((v) => v.version === version)
          ?.definition ?? null,
      onDemand: (name) => registeredOnDemand(catalog, name),
      retired: dependencies.definitions.retired,
      fields(source) {
        const found = newestVersion(catalog.stream('source', source)?.state ?? initialState);
        return found?.definition.kind === 'source' ? sourceFields(found.definition) : {};
      },
      knowledge,
      importedKnownTime: decoders.knownTime,
      leftOut: late.leftOut,
      recentUpdates: createRecentUpdates(log, history, dependencies.decodeUpdate),
    }),
    ...createFeatureLogQueries({ catalog, rows, flush: featureLog.flush }),
    skew: createSkew({
      catalog,
      log,
      history,
      late,
      rows,
      flush: featureLog.flush,
      target: trainingSets.target,
      eventTimeValues: trainingSets.eventTimeValues,
      readTime,
    }),
  };
};
