/** Whether a request for a named data set is the one that the name was given to. */
import type { DatasetRequest } from '#domain/api/datasets.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { formatDuration } from '#domain/values/duration.ts';
import { formatTime } from '#domain/values/time.ts';
import type { DatasetRecipe, GivenSpineRecord, SpineRecord, SqlSpineRecord } from './manifest.ts';

/** What a caller decides, with its spine recognized by its content. */
export type WantedRecipe = Pick<DatasetRequest, 'known'> &
  Pick<DatasetRecipe, 'mode' | 'withStatus' | 'format'> & {
    readonly spine: WantedSpine;
    readonly target: DatasetRequest['target'];
  };

/** Of a statement, what a request says of it. */
export type WantedSpine = GivenSpineRecord | Pick<SqlSpineRecord, 'kind' | 'sql'>;

/**
 * A file may have moved: its content counts. The rows of a statement are those that it had first.
 */
const identityOf = (spine: WantedSpine): unknown => {
  if (spine.kind === 'file') return { kind: spine.kind, sha256: spine.sha256 };
  return spine.kind === 'sql' ? { kind: spine.kind, sql: spine.sql } : spine;
};

export const sameSpine = (a: WantedSpine, b: WantedSpine): boolean =>
  canonical(identityOf(a)) === canonical(identityOf(b));

const targetText = (target: DatasetRequest['target']): string =>
  'service' in target ? `feature service "${target.service}"` : `feature view "${target.view}"`;

/**
 * What another request has that is not the same, as phrases; none: it is the same request. One
 * without `known` takes that of the name.
 */
export const otherThan = (recipe: DatasetRecipe, wanted: WantedRecipe): readonly string[] => {
  const found: string[] = [];
  const compare = (what: string, was: unknown, is: unknown): void => {
    if (was !== is) found.push(`${what}: it was ${was}, and is ${is}`);
  };
  compare('the target', targetText(recipe.target), targetText(wanted.target));
  compare('the mode', recipe.mode, wanted.mode);
  compare('statuses', recipe.withStatus, wanted.withStatus);
  compare('the format', recipe.format, wanted.format);
  if (wanted.known !== undefined)
    compare('known', formatTime(recipe.known), formatTime(wanted.known));
  if (!sameSpine(recipe.spine, wanted.spine)) found.push('the spine has other content');
  return found;
};

const spineOptions = (spine: SpineRecord): readonly string[] => {
  const range = ({ from, to }: { readonly from?: number; readonly to?: number }) => [
    ...(from === undefined ? [] : ['--from', formatTime(from)]),
    ...(to === undefined ? [] : ['--to', formatTime(to)]),
  ];
  switch (spine.kind) {
    case 'file':
      return ['--spine', spine.path];
    case 'rows':
      return ['--spine', 'ROWS'];
    case 'sql':
      return ['--spine-sql', spine.sql];
    case 'grid':
      return [...range(spine), '--every', formatDuration(spine.every)];
    case 'events':
      return ['--events', spine.source, '--label', ...spine.label, ...range(spine)];
  }
};

const quoted = (word: string): string =>
  /^[\w./:@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** The request on the command line. */
export const commandOf = (
  name: string,
  { target, mode, withStatus, spine, known, format }: Omit<DatasetRecipe, 'command'>,
): string =>
  [
    'millrace',
    'dataset',
    'service' in target ? target.service : target.view,
    ...spineOptions(spine),
    ...(mode === 'event-time' ? [] : ['--mode', mode]),
    ...(withStatus ? ['--with-status'] : []),
    '--known',
    formatTime(known),
    '--name',
    name,
    '--out',
    `${name}.${format}`,
  ]
    .map(quoted)
    .join(' ');
