/**
 * Joins the passes of a training set, one after the other:
 *
 *   scan    events in any order → by entity group and part, in memory or in files
 *   join    each part with its rows, in threads → its values → the results
 *
 * What is in memory does not grow with the events: a part has a limited number of them, and more
 * than fit in memory are in files.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { bytesOfEvent } from './event-blocks.ts';
import { countEvents, type EventScan, scanEvents } from './event-files.ts';
import { splitEvents } from './event-parts.ts';
import { answering, entityGroup, groupsOf, type JoinSpine, tasksOf } from './join-tasks.ts';
import { type JoinThreads, joinThreads, thisThread } from './join-threads.ts';
import type { PlannedPass } from './passes.ts';
import type { Results } from './results.ts';

export interface JoinLimits {
  readonly threads: number;
  /** events and rows of a part, as far as entities can be divided */
  readonly partEvents: number;
  readonly partRows: number;
  /** bytes of events in memory; more are in files */
  readonly eventBytes: number;
}

const LIMITS: JoinLimits = {
  threads: 2,
  partEvents: 500_000,
  partRows: 1_000_000,
  eventBytes: 256 * 1024 * 1024,
};

export interface JoinOptions {
  readonly signal?: AbortSignal | undefined;
  /** the directory for events that do not fit in memory */
  readonly spill: string;
  /** @param done 0 to 1 */
  readonly onProgress: (stage: string, done: number) => void;
  readonly limits?: Partial<JoinLimits> | undefined;
}

/** The scan without events after the last row: no row counts them. */
const upTo = (scan: EventScan, last: number): EventScan => {
  const { from = Number.NEGATIVE_INFINITY, before = Number.POSITIVE_INFINITY } = scan.within ?? {};
  return { ...scan, within: { from, before: Math.min(before, last + 1) } };
};

/** @param events how many the scan has at most */
const joinPass = async (
  connection: DuckDBConnection,
  pass: PlannedPass,
  events: number,
  spine: JoinSpine,
  results: Results,
  threads: (parts: number) => JoinThreads,
  {
    signal,
    spill,
    onProgress,
    limits,
  }: Omit<JoinOptions, 'limits'> & { readonly limits: JoinLimits },
): Promise<void> => {
  const views = answering(pass, spine);
  if (views.length === 0) return;
  const groups = groupsOf(views);
  const shapes = groups.map((group) => entityGroup(group, pass.scan));
  const rows = Math.max(...views.map((view) => view.rows.length));
  const last = Math.max(...views.map((view) => spine.times[view.rows.at(-1) as number] as number));
  const parts = Math.max(
    1,
    Math.ceil(events / limits.partEvents),
    Math.ceil(rows / limits.partRows),
  );
  const bytes = events * shapes.reduce((sum, { shape }) => sum + bytesOfEvent(shape), 0);

  const stage = `joining ${views.map(({ plan }) => plan.view).join(', ')}`;
  let [scanned, joined] = [0, 0];
  const progress = (): void => {
    signal?.throwIfAborted();
    onProgress(stage, (scanned / Math.max(1, events) + joined / (groups.length * parts)) / 2);
  };
  const split = await splitEvents(scanEvents(connection, upTo(pass.scan, last)), shapes, {
    fields: pass.scan.fields,
    parts,
    spill: bytes > limits.eventBytes ? spill : null,
    onBatch(count) {
      scanned += count;
      progress();
    },
  });
  const tasks = tasksOf(groups, split, parts, spine, results, 2 * limits.partEvents);
  const joining = threads(parts);
  const work = async (): Promise<void> => {
    for (const { part, put } of tasks) {
      put(await joining.join(part));
      joined++;
      progress();
    }
  };
  await Promise.all(Array.from({ length: joining.count }, work));
};

/** @returns how many events there were to read */
export const joinPasses = async (
  connection: DuckDBConnection,
  passes: readonly PlannedPass[],
  spine: JoinSpine,
  results: Results,
  options: JoinOptions,
): Promise<number> => {
  const limits = { ...LIMITS, ...options.limits };
  const { signal } = options;
  const counts: number[] = [];
  for (const { scan } of passes) counts.push(await countEvents(connection, scan.raw));
  const total = counts.reduce((sum, count) => sum + count, 0);
  let several: JoinThreads | null = null;
  const threads = (parts: number): JoinThreads => {
    if (parts === 1) return thisThread;
    several ??= joinThreads(limits.threads);
    return several;
  };
  const close = (): void => void several?.close();
  signal?.addEventListener('abort', close, { once: true });
  let before = 0;
  try {
    for (const [i, pass] of passes.entries()) {
      const events = counts[i] as number;
      const onProgress: JoinOptions['onProgress'] = (stage, done) =>
        options.onProgress(stage, (before + events * done) / Math.max(1, total));
      await joinPass(connection, pass, events, spine, results, threads, {
        ...options,
        limits,
        onProgress,
      });
      before += events;
    }
    return total;
  } finally {
    signal?.removeEventListener('abort', close);
    await (several as JoinThreads | null)?.close();
  }
};
