/**
 * Why a definition that was registered is not there: it is retired. Whoever may see the name may
 * see this: access is checked by the namespace of the newest definition, retired or not, before
 * anything is looked up.
 */
import { KIND_TEXT } from '#domain/definitions/check-context.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Catalog } from './catalog.ts';

/** A sentence without its point; null: the definition is not retired, or never was registered. */
export const whyRetired = (
  catalog: Pick<Catalog, 'stream'>,
  kind: Kind,
  name: string,
): string | null => {
  const stream = catalog.stream(kind, name);
  if (stream?.state.status !== 'retired') return null;
  const { retiredAt } = stream;
  const since = retiredAt === null ? '' : ` since ${formatTime(retiredAt)}`;
  return `${KIND_TEXT[kind]} "${name}" is retired${since}: \`millrace restore ${name}\` brings it back`;
};

/** @throws MR_UNKNOWN_SOURCE */
export const noSource = (catalog: Pick<Catalog, 'stream'>, name: string): never =>
  fail(
    'MR_UNKNOWN_SOURCE',
    whyRetired(catalog, 'source', name) ??
      `there is no source "${name}": apply its definition first`,
    { source: name },
  );
