/** The checks of a soak, computed from its observations. Each check has its figures. */
import type { Figure } from '../support/report.ts';
import type { Sample } from './rig.ts';
import { type Minute, p99Of, type Watch } from './watch.ts';

const MIB = 2 ** 20;
/** Reads whose latency must not grow. */
const QUICK = ['one entity', 'service', 'evolving', 'feast', 'grpc'];

/**
 * The p99 may move as much as the machine's own timers did, and by half. Below a few milliseconds
 * it is noise.
 */
const P99_FACTOR = 1.5;
const P99_FLOOR_MS = 15;
/**
 * How much more there may be at the end than after a third: caches fill, and allocators keep pages.
 */
const HEAP_GROWTH = { share: 0.15, bytes: 24 * MIB };
const RSS_GROWTH = { share: 0.15, bytes: 64 * MIB };
/** Of the minimum: clients' own connections come on top. */
const FILES_GROWTH = 16;
const HANDLES_GROWTH = 8;

const median = (list: readonly number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
const least = (list: readonly number[]): number =>
  list.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const quickOf = (minute: Minute): number =>
  p99Of(QUICK.map((kind) => minute.latencies.get(kind) ?? []));
const lagOf = (minute: Minute): number => p99Of([minute.lag]);
const heapOf = (minute: Minute): number => least(minute.samples.map(({ heapBytes }) => heapBytes));
const fixed = (x: number): string => (Number.isFinite(x) ? x.toFixed(1) : '-');
const mib = (x: number): string => (Number.isFinite(x) ? String(Math.round(x / MIB)) : '-');

export const printMinutes = (minutes: readonly Minute[]): void => {
  const rows = [
    [
      'minute',
      'operations',
      'errors',
      'read p99 ms',
      'publish p99 ms',
      'timers p99 ms',
      'heap MiB',
      'RSS MiB',
      'files',
      'changes',
      'restarts',
    ],
    ...minutes.map((minute, i) => [
      String(i + 1),
      String(minute.operations),
      String(minute.promised),
      fixed(quickOf(minute)),
      fixed(p99Of([minute.latencies.get('publish') ?? []])),
      fixed(lagOf(minute)),
      mib(heapOf(minute)),
      mib(median(minute.samples.map(({ rssBytes }) => rssBytes))),
      String(median(minute.samples.map(({ files }) => files))),
      String(minute.changes),
      minute.restarts.join(', '),
    ]),
  ];
  const widths = (rows[0] as string[]).map((_, c) =>
    Math.max(...rows.map((row) => (row[c] as string).length)),
  );
  for (const row of rows)
    console.log(
      row
        .map((cell, c) => cell.padStart(widths[c] as number))
        .join('  ')
        .trimEnd(),
    );
};

const flatP99 = (minutes: readonly Minute[]): Figure => {
  const third = Math.max(1, Math.floor(minutes.length / 3));
  const [first, last] = [minutes.slice(0, third), minutes.slice(-third)];
  const [before, after] = [median(first.map(quickOf)), median(last.map(quickOf))];
  const noise = Math.max(0, median(last.map(lagOf)) - median(first.map(lagOf)));
  const most = Math.max(P99_FLOOR_MS, before * P99_FACTOR) + noise;
  return {
    what: 'read p99, last third',
    ours: `${fixed(after)} ms`,
    limit: `first third ${fixed(before)} ms`,
    goal: `at most ${fixed(most)} ms`,
    met: after <= most,
  };
};

/** After the last restart: the value at the end against the value after a third of the time. */
const grown = (
  what: string,
  samples: readonly Sample[],
  of: (part: readonly Sample[]) => number,
  allowed: (from: number) => number,
  show: (x: number) => string,
): Figure => {
  const third = Math.floor(samples.length / 3);
  const [from, to] = [of(samples.slice(third, 2 * third)), of(samples.slice(-third))];
  const most = from + allowed(from);
  return {
    what,
    ours: show(to),
    limit: `before: ${show(from)}`,
    goal: `at most ${show(most)}`,
    met: third === 0 ? null : to <= most,
  };
};

interface Checked {
  /** the duration of the load */
  readonly minutes: number;
  /** samples since the last restart */
  readonly samples: readonly Sample[];
  /** short runs have too few samples */
  readonly judgeGrowth: boolean;
}

export const figuresOf = (
  { minutes: all, failures }: Watch,
  { minutes: whole, samples, judgeGrowth }: Checked,
): readonly Figure[] => {
  // After the last whole minute only operations that had begun are completed.
  const minutes = all.slice(0, Math.max(1, Math.floor(whole)));
  const growing = (allowed: { share: number; bytes: number }) => (from: number) =>
    Math.max(allowed.bytes, from * allowed.share);
  const growth = [
    grown(
      'heap after collections',
      samples,
      (part) => least(part.map((s) => s.heapBytes)),
      growing(HEAP_GROWTH),
      (x) => `${mib(x)} MiB`,
    ),
    grown(
      'resident memory',
      samples,
      (part) => median(part.map((s) => s.rssBytes)),
      growing(RSS_GROWTH),
      (x) => `${mib(x)} MiB`,
    ),
    grown(
      'open files',
      samples,
      (part) => least(part.map((s) => s.files)),
      () => FILES_GROWTH,
      String,
    ),
    grown(
      'active handles',
      samples,
      (part) => least(part.map((s) => s.handles)),
      () => HANDLES_GROWTH,
      String,
    ),
    flatP99(minutes),
  ];
  return [
    {
      what: 'wrong answers and unexpected errors',
      ours: String(failures.length),
      limit: '',
      goal: '0',
      met: failures.length === 0,
    },
    ...growth.map((figure) => (judgeGrowth ? figure : { ...figure, met: null })),
  ];
};
