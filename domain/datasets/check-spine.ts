/** What a request without a file of rows may ask for. */
import type { DatasetSpine, GridSpine } from '#domain/datasets/spine.ts';
import { fail } from '#domain/errors.ts';
import { isExactNumber } from '#domain/values/exact-json.ts';
import { formatTime, isTime } from '#domain/values/time.ts';
import type { Row } from '#domain/values/value.ts';

const isBefore = (from: number | undefined, to: number | undefined): boolean =>
  from === undefined || to === undefined || from < to;

/** The number of instants of a grid. */
export const instantsOf = ({ from, to, every }: GridSpine): number =>
  Math.ceil((to - from) / every);

/** @throws MR_SPINE_INVALID for a whole number that a double would round */
const checkRows = (rows: readonly Row[]): void => {
  for (const [i, row] of rows.entries())
    for (const column in row) {
      const value: unknown = row[column];
      if (typeof value === 'object' && isExactNumber(value))
        fail(
          'MR_SPINE_INVALID',
          `column "${column}" of row ${i + 1} is ${value.rawJSON}, which is outside ±(2^53 − 1): if it is no number to compute with, send it as text`,
          { column, row: i + 1 },
        );
    }
};

/** @throws MR_BODY_INVALID, MR_SPINE_INVALID */
export const checkSpine = (spine: DatasetSpine): void => {
  if ('rows' in spine) checkRows(spine.rows);
  const range: Partial<Pick<GridSpine, 'from' | 'to'>> =
    'grid' in spine ? spine.grid : 'events' in spine ? spine.events : {};
  for (const [name, time] of Object.entries({ from: range.from, to: range.to }))
    if (time !== undefined && !isTime(time))
      fail('MR_BODY_INVALID', `"${name}" of the spine must be a time, not ${time}`);
  if (!isBefore(range.from, range.to))
    fail(
      'MR_BODY_INVALID',
      `"from" of the spine, ${formatTime(range.from as number)}, must be before "to", ${formatTime(range.to as number)}`,
    );
  if ('grid' in spine && !(Number.isInteger(spine.grid.every) && spine.grid.every > 0))
    fail('MR_BODY_INVALID', '"every" of the grid must be longer than 0, such as 1h');
  if ('events' in spine) {
    const { label } = spine.events;
    const twice = label.find((name, i) => label.indexOf(name) !== i);
    if (twice !== undefined)
      fail('MR_BODY_INVALID', `"label" names the field "${twice}" twice: name it once`);
  }
};
