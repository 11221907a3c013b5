/** Which periods a request is about: whole ones, and only final ones. */
import type { RollupRequest } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { ceilTo, floorTo, type PeriodRange } from '#domain/rollups/periods.ts';
import { PERIOD_MS } from '#domain/rollups/rollup-name.ts';
import { durationText } from '#domain/values/duration.ts';
import { formatTime } from '#domain/values/time.ts';

interface Known {
  readonly plan: Pick<ViewPlan, 'view' | 'latenessMs'>;
  readonly present: readonly PeriodRange[];
  /** end of the newest final period; −∞: there is none */
  readonly final: number;
}

const rule = ({ latenessMs }: Known['plan']): string =>
  latenessMs === null
    ? 'a period is final when the view has an event of after it'
    : `a period is final when the view has an event of ${durationText(latenessMs)} or more after it`;

/**
 * Without `from`, the periods after those that are there; the last one where none are. As with the
 * stack profile, a range is of whole UTC days.
 * @throws MR_PARAMETER_INVALID where no period of the range is final
 */
export const wantedPeriods = (
  { view, every, from, to }: RollupRequest,
  { plan, present, final }: Known,
): PeriodRange => {
  const none = (details: Readonly<Record<string, string | number>>): never =>
    fail(
      'MR_PARAMETER_INVALID',
      `no ${every} of "${view}" is final ${Number.isFinite(final) ? `there: the last final one ends at ${formatTime(final)}` : 'yet'}; ${rule(plan)}`,
      details,
    );
  if (!Number.isFinite(final)) return none({ view });
  const { day } = PERIOD_MS;
  const last = Math.min(to === undefined ? final : ceilTo(to, day), final);
  const next = present.at(-1)?.to;
  // Nothing new is no error: a job that runs each hour has nothing to do in some.
  if (from === undefined && next !== undefined && next >= last)
    return { from: Math.min(next, last), to: last };
  const first = from === undefined ? (next ?? last - PERIOD_MS[every]) : from;
  const range = { from: floorTo(first, from === undefined ? PERIOD_MS[every] : day), to: last };
  return range.from < range.to ? range : none({ from: range.from, to: range.to });
};
