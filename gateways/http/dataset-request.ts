/** The requests for data sets, from bodies. */
import type { DatasetRequest, RerunRequest } from '#domain/api/datasets.ts';
import type { DatasetSpine } from '#domain/datasets/spine.ts';
import { fail } from '#domain/errors.ts';
import { parseDuration } from '#domain/values/duration.ts';
import { parseTime } from '#domain/values/time.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import { compact } from './compact.ts';
import type { DatasetBody, RerunBody, SpineBody } from './schemas/datasets.ts';
import { targetOf } from './target.ts';

/** The path of a file that the caller may name. @throws MR_REFUSED */
export type NameFile = (name: string, path: string) => string;

const spineOf = (spine: SpineBody, named: NameFile): DatasetSpine => {
  const { file, rows, sql, grid, events } = spine;
  const [kind, other] = Object.values(spine).filter((one) => one !== undefined);
  if (kind === undefined || other !== undefined)
    return fail(
      'MR_BODY_INVALID',
      '"spine" must have one of "file", "rows", "sql", "grid" and "events"',
    );
  if (file !== undefined) return { file: named('spine.file', file) };
  if (rows !== undefined) return { rows };
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
  const { name, newVersion, overwrite, withStatus, out, mode = 'event-time' } = body;
  return {
    ...compact({
      out: out === undefined ? undefined : named('out', out),
      known: optionalTime('known', body.known),
      overwrite,
      withStatus,
      name,
      newVersion,
    }),
    target: targetOf(body),
    spine: spineOf(body.spine, named),
    mode,
  };
};

/** @throws as `requestOf` */
export const rerunOf = ({ spine, out, overwrite }: RerunBody, named: NameFile): RerunRequest =>
  compact({
    spine: spine === undefined ? undefined : spineOf(spine, named),
    out: out === undefined ? undefined : named('out', out),
    overwrite,
  });
