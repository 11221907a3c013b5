/** The requests for data sets, from bodies. */
import type { DatasetRequest, RerunRequest } from '#domain/api/datasets.ts';
import type { DatasetSpine } from '#domain/datasets/spine.ts';
import { fail } from '#domain/errors.ts';
import { parseDuration } from '#domain/values/duration.ts';
import { isExactNumber } from '#domain/values/exact-json.ts';
import { parseTime } from '#domain/values/time.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import { compact } from './compact.ts';
import type { DatasetBody, RerunBody, SpineBody } from './schemas/datasets.ts';
import { targetOf } from './target.ts';

/** The path of a file that the caller may name. @throws MR_REFUSED */
export type NameFile = (name: string, path: string) => string;

/**
 * A whole number that a double would round is its digits as text: they are read as the type of a
 * key or input, and kept in any other column.
 */
const exactRow = (row: Row): Row =>
  Object.values(row).some((value: unknown) => isExactNumber(value))
    ? Object.fromEntries(
        Object.entries(row).map(([name, value]: [string, unknown]) => [
          name,
          (isExactNumber(value) ? value.rawJSON : value) as Value,
        ]),
      )
    : row;

const spineOf = (spine: SpineBody, named: NameFile): DatasetSpine => {
  const { file, rows, sql, grid, events } = spine;
  const [kind, other] = Object.values(spine).filter((one) => one !== undefined);
  if (kind === undefined || other !== undefined)
    return fail(
      'MR_BODY_INVALID',
      '"spine" must have one of "file", "rows", "sql", "grid" and "events"',
    );
  if (file !== undefined) return { file: named('spine.file', file) };
  if (rows !== undefined) return { rows: rows.map(exactRow) };
  if (sql !== undefined) return { sql };
  if (grid !== undefined) {
    const [from, to] = [parseTime(grid.from), parseTime(grid.to)];
    return { grid: { from, to, every: parseDuration(grid.every) } };
  }
  const { source, label = [], from, to } = events as NonNullable<SpineBody['events']>;
  const range = compact({ from: optionalTime('from', from), to: optionalTime('to', to) });
  return { events: { source, label, ...range } };
};

/** @throws MR_BODY_INVALID, MR_TIME_INVALID, MR_DURATION_INVALID, MR_REFUSED */
export const requestOf = (body: DatasetBody, named: NameFile): DatasetRequest => {
  const { name, newVersion, overwrite, withStatus, engine, out, mode = 'event-time' } = body;
  return {
    ...compact({
      out: out === undefined ? undefined : named('out', out),
      known: optionalTime('known', body.known),
      overwrite,
      withStatus,
      engine,
      name,
      newVersion,
    }),
    target: targetOf(body),
    spine: spineOf(body.spine, named),
    mode,
  };
};

/** @throws as `requestOf` */
export const rerunOf = (
  { spine, out, overwrite, engine }: RerunBody,
  named: NameFile,
): RerunRequest =>
  compact({
    spine: spine === undefined ? undefined : spineOf(spine, named),
    out: out === undefined ? undefined : named('out', out),
    overwrite,
    engine,
  });
