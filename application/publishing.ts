/** Publishing raw events, exporting them, and what was rejected. */
import type { CommandBus } from '#commands/command-bus.ts';
import { createImportHistory } from '#commands/ingest/import-history.ts';
import { createPublish } from '#commands/ingest/publish.ts';
import { createResend } from '#commands/ingest/resend.ts';
import { createSnapshot } from '#commands/ingest/snapshot.ts';
import type { Publishing, PublishResult } from '#domain/api/publishing.ts';
import { fail } from '#domain/errors.ts';
import type { Engine } from '#domain/ports/engine.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import type { Metrics } from '#domain/ports/metrics.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { RawDecoders } from '#domain/sources/raw-decoders.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { noSource } from '#projections/catalog/retired.ts';
import type { RowsAt } from '#projections/dimensions/rows-at.ts';
import { createTakenSnapshots } from '#projections/dimensions/taken-snapshots.ts';
import { createEventExport } from '#projections/exports/event-export.ts';
import type { FindImports } from '#projections/imports/imports.ts';
import { createRejected } from '#projections/rejected/rejected.ts';
import { createResentEvents } from '#projections/rejected/resent.ts';
import type { WaitFor } from '#projections/serving/wait-for.ts';
import type { Generations } from './generations.ts';
import type { Sources } from './sources.ts';

const MEMORY_RETRY_MS = 1_000;

interface PublishingDependencies {
  readonly catalog: Catalog;
  readonly log: Log;
  readonly history: Pick<HistoryTables, 'scan' | 'endOffsets' | 'horizon'>;
  readonly sources: Sources;
  readonly decoders: Pick<RawDecoders, 'decode'>;
  readonly rowsAt: RowsAt;
  readonly engine: Pick<Engine, 'running'>;
  readonly generations: Generations;
  readonly waitFor: WaitFor;
  readonly imports: FindImports;
  readonly bus: Pick<CommandBus, 'record'>;
  readonly metrics: Pick<Metrics, 'published'>;
  readonly memoryLow: () => boolean;
  readonly now: () => number;
}

/** New events may bring new entities, which take memory for good. */
const requireMemory = (memoryLow: boolean): void => {
  if (memoryLow)
    fail(
      'MR_OVERLOADED',
      'the server has almost no memory left, so it takes no events for now: try again shortly. If this lasts, give it a larger heap (NODE_OPTIONS=--max-old-space-size=MIB), or let fewer entities count in its views',
      { memory: 'low', retryAfterMs: MEMORY_RETRY_MS },
    );
};

export const createPublishing = ({
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
}: PublishingDependencies): Publishing => {
  const publishEvents = createPublish({ log, ingest: sources.find, now });
  const importEvents = createImportHistory({
    publish: publishEvents,
    ingest: sources.find,
    imports,
    bus,
  });
  const source = (name: string) => catalog.definition('source', name) ?? noSource(catalog, name);

  /** How far the live generation of each view of the source has read. */
  const readPositions = (name: string) => () =>
    engine
      .running()
      .filter(({ spec }) => spec.source.name === name && generations.live(spec.view)?.spec === spec)
      .map((generation) => generation.positions());

  const resent = createResentEvents(log);
  const resend = createResend({ log, ingest: sources.find, resent, now });

  const measured = async (
    name: string,
    work: () => Promise<PublishResult>,
  ): Promise<PublishResult> => {
    requireMemory(memoryLow());
    const started = performance.now();
    const result = await work();
    const seconds = (performance.now() - started) / 1000;
    metrics.published(name, seconds, result.accepted, result.duplicates, result.rejected);
    return result;
  };

  const publish: Publishing['publish'] = async (request, caller) => {
    const result = await measured(request.source, () => publishEvents(request, caller));
    if (request.untilReadable === true)
      await waitFor(parseTopicPosition(result.position), readPositions(request.source));
    return result;
  };

  const taken = createTakenSnapshots(log);
  const snapshot = createSnapshot({ log, ingest: sources.find, rowsAt, taken, now });

  const producerSequence: Publishing['producerSequence'] = async (name, producer) => {
    await sources.open(name);
    return log.producerSequence(producer, rawTopic(name));
  };

  return {
    publish,
    producerSequence,
    importHistory: (request, caller) =>
      measured(request.source, () => importEvents(request, caller)),
    importSequence: producerSequence,
    async snapshot(request, caller) {
      requireMemory(memoryLow());
      return snapshot(request, caller);
    },
    async snapshots(name) {
      const opened = await sources.find(name);
      return opened.definition.dimension === undefined ? [] : taken(name);
    },
    exportEvents: createEventExport({ log, history, source, decode: decoders.decode }),
    ...createRejected({
      log,
      source,
      resent,
      resend: (name, originals, caller) => measured(name, () => resend(name, originals, caller)),
    }),
  };
};
