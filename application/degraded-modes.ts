/** The degraded modes that reads meet now: of the engine, of the registry, and of each view. */
import {
  type Degraded,
  type DegradedMode,
  degraded,
  modesOf,
  NOT_DEGRADED,
} from '#domain/ports/degraded.ts';
import type { Engine } from '#domain/ports/engine.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import { isServed } from '#domain/ports/served-view.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { viewModes } from '#projections/serving/view-modes.ts';
import type { Generations } from './generations.ts';

export interface DegradedModes {
  /** those that concern every read */
  readonly shared: () => Degraded;
  /** all of them */
  readonly now: () => readonly DegradedMode[];
}

interface DegradedModesDependencies {
  readonly catalog: Catalog;
  readonly engine: Pick<Engine, 'degraded' | 'live'>;
  readonly generations: Generations;
  readonly eventStore: Pick<EventStore, 'heardAt'>;
  readonly readTime: () => number;
  readonly clockLead: () => number;
  readonly diskFull: () => boolean;
  readonly memoryLow: () => boolean;
  readonly history: Pick<HistoryTables, 'problems'>;
}

const HISTORY_FOLD = degraded('history-fold');
const HISTORY_UNAVAILABLE = degraded('history-unavailable');
const DISK_FULL = degraded('disk-full');
const MEMORY_LOW = degraded('memory-low');
const CLOCK_BEHIND = degraded('clock-behind');
const REGISTRY_STALE = degraded('registry-stale');
/** The registry is stale once the event store has not answered for so long. */
const REGISTRY_SILENT_MS = 3_000;

export const createDegradedModes = ({
  catalog,
  engine,
  generations,
  eventStore,
  readTime,
  clockLead,
  diskFull,
  memoryLow,
  history,
}: DegradedModesDependencies): DegradedModes => {
  const registryModes = (): Degraded => {
    const heardAt = eventStore.heardAt?.() ?? null;
    return heardAt !== null && Date.now() - heardAt > REGISTRY_SILENT_MS
      ? REGISTRY_STALE
      : NOT_DEGRADED;
  };
  const shared = (): Degraded =>
    (engine.degraded?.() ?? NOT_DEGRADED) |
    registryModes() |
    (clockLead() > 0 ? CLOCK_BEHIND : NOT_DEGRADED);
  /** Modes of the storage: reads from tiles go on without a difference. */
  const storageModes = (): Degraded =>
    ((history.problems?.().size ?? 0) > 0 ? HISTORY_UNAVAILABLE : NOT_DEGRADED) |
    (diskFull() ? DISK_FULL : NOT_DEGRADED) |
    (memoryLow() ? MEMORY_LOW : NOT_DEGRADED);
  /** Raw events answer for a view that is filled for the first time. */
  const folds = (view: string): boolean =>
    generations.live(view) === null && isServed(engine.live(view));
  return {
    shared,
    now() {
      const at = readTime();
      const views = catalog.streams('feature-view').map(({ name }) => name);
      const live = views.flatMap((name) => generations.live(name)?.served ?? []);
      const folded = views.some(folds) ? HISTORY_FOLD : NOT_DEGRADED;
      return modesOf(
        live.reduce(
          (modes, served) => modes | viewModes(served, served.completeThrough(at), at),
          shared() | storageModes() | folded,
        ),
      );
    },
  };
};
