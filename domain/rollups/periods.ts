/**
 * Which periods a rollup writes. Periods are half open, [start, end), begin at multiples of their
 * length and are named by their ends. A set of them is a list of ranges without gaps, in order.
 */
import type { ViewPlan } from '#domain/plan/plan.ts';
import { closesTiles, widestHopMs } from '#domain/tiles/lateness.ts';

/** The periods from the one that starts at `from` to the one that ends at `to`; epoch ms. */
export interface PeriodRange {
  readonly from: number;
  readonly to: number;
}

export const floorTo = (time: number, step: number): number => Math.floor(time / step) * step;
export const ceilTo = (time: number, step: number): number => Math.ceil(time / step) * step;

/** The periods of both, merged where they touch. */
export const withPeriods = (
  ranges: readonly PeriodRange[],
  added: PeriodRange,
): readonly PeriodRange[] => {
  const merged: PeriodRange[] = [];
  for (const range of [...ranges, added].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || last.to < range.from) merged.push(range);
    else merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
  }
  return merged;
};

/** The periods of a range that are in none of these. */
export const missingPeriods = (
  range: PeriodRange,
  present: readonly PeriodRange[],
): readonly PeriodRange[] => {
  const missing: PeriodRange[] = [];
  let { from } = range;
  for (const one of withPeriods(present, { from: range.to, to: range.to })) {
    const to = Math.min(one.from, range.to);
    if (from < to) missing.push({ from, to });
    from = Math.max(from, one.to);
  }
  return missing;
};

/** Ranges of at most so many periods. */
export const inParts = (
  { from, to }: PeriodRange,
  everyMs: number,
  periods: number,
): readonly PeriodRange[] => {
  const parts: PeriodRange[] = [];
  for (let at = from; at < to; at += periods * everyMs)
    parts.push({ from: at, to: Math.min(to, at + periods * everyMs) });
  return parts;
};

/**
 * The end of the newest period that is final, given the view's watermark. A period is final once
 * the watermark has passed its end; of a view that declares a lateness, once every event of it
 * would be late, so that no event changes its values any more. −∞: there is none.
 */
export const finalUpTo = (plan: ViewPlan, watermark: number, everyMs: number): number => {
  if (!closesTiles(plan)) return floorTo(watermark, everyMs);
  // The last event of a period is late if its widest tile has closed before the watermark.
  const hopMs = widestHopMs(plan);
  const closed = floorTo(watermark - (plan.latenessMs as number) - 1, hopMs);
  return floorTo(closed, everyMs);
};
