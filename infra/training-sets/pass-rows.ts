/** The rows of a spine that a pass answers. */
import { coveredFrom } from '#domain/plan/covered-from.ts';
import { refuseTrimmed } from '#domain/sources/horizon.ts';
import type { JoinSpine } from '#domain/training-sets/point-in-time-join.ts';
import { formatTime } from '#domain/values/time.ts';
import type { PlannedPass } from './passes.ts';

const refuseDeleted = ({ scan, views }: PlannedPass, earliest: number): void => {
  const { horizon } = scan.raw;
  if (horizon === undefined) return;
  for (const { plan } of views)
    if (coveredFrom(plan, earliest) < horizon)
      refuseTrimmed(
        scan.source.name,
        horizon,
        `The values of "${plan.view}" at ${formatTime(earliest)} count events from before that`,
      );
};

/**
 * By time.
 * @throws MR_HISTORY_TRIMMED where a value at the earliest time counts deleted events
 */
export const rowsOfPass = (
  pass: PlannedPass,
  { times, order }: Pick<JoinSpine, 'times' | 'order'>,
): Uint32Array => {
  const { covers } = pass;
  const rows = covers === null ? order : order.filter((row) => covers(times[row] as number));
  if (rows.length > 0) refuseDeleted(pass, times[rows[0] as number] as number);
  return rows;
};
