/** A measured figure next to its limit, printed as one table for each benchmark. */
import { cpus, loadavg } from 'node:os';

export interface Figure {
  readonly what: string;
  readonly ours: string;
  readonly limit: string;
  readonly goal: string;
  readonly met: boolean | null;
}

export const print = (title: string, figures: readonly Figure[]): void => {
  const rows = [
    ['what', 'Millrace', 'limit', 'goal', ''],
    ...figures.map((f) => [
      f.what,
      f.ours,
      f.limit,
      f.goal,
      f.met === null ? '' : f.met ? 'met' : 'MISSED',
    ]),
  ];
  const widths = (rows[0] as string[]).map((_, c) =>
    Math.max(...rows.map((r) => (r[c] as string).length)),
  );
  console.log(
    `\n${title}  (${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version})`,
  );
  for (const row of rows)
    console.log(
      row
        .map((cell, c) => cell.padEnd(widths[c] as number))
        .join('  ')
        .trimEnd(),
    );
};

export const percentile = (sorted: readonly number[], p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
export const rate = (count: number, seconds: number): string =>
  `${Math.round(count / seconds).toLocaleString('en')}/s`;
export const median = (values: readonly number[]): number =>
  percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
