/** The definition that a caller means by a name, as of a position of the registry. */
import type { CatalogEntry } from '#domain/api/registry.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { KINDS, streamOf } from '#domain/registry/events.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { findKind } from '#gateways/shared/kinds.ts';
import type { ToolContext } from './tool.ts';

type Context = Pick<ToolContext, 'platform' | 'caller'>;

interface Wanted {
  /** a name, or KIND/NAME */
  readonly text: string;
  /** absent: the newest */
  readonly version: number | undefined;
  readonly asOf: string;
}

/** The kinds that the caller may see of a name, without those that are retired. */
const kindsOf = async (
  name: string,
  asOf: string,
  { platform, caller }: Context,
): Promise<readonly Kind[]> => {
  try {
    const { nodes } = await platform.registry.lineage(name, caller, asOf);
    return KINDS.filter((kind) => nodes.some(({ id }) => id === streamOf(kind, name)));
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MR_NOT_FOUND') return [];
    throw error;
  }
};

/** Retired ones, too, and a hint for a name that there is not: it takes longer. */
const kindsOfAll = async (
  name: string,
  asOf: string,
  { platform, caller }: Context,
): Promise<readonly Kind[]> => {
  const all = await platform.registry.search('', caller, asOf);
  const found = all.flatMap((entry) =>
    entry.name === name && entry.kind !== 'dataset' ? [entry.kind] : [],
  );
  if (found.length > 0) return found;
  const hint = suggestion(
    name,
    all.map((one) => one.name),
  );
  return fail(
    'MR_NOT_FOUND',
    `nothing that you may see is registered as ${JSON.stringify(name)}${hint}: search_definitions lists the names`,
    { name },
  );
};

/**
 * Only what the caller may see is looked at, so a hidden name and an unregistered one get the same
 * answer.
 *
 * @throws MR_NOT_FOUND, or MR_PARAMETER_INVALID where several kinds have the name
 */
export const namedEntry = async (
  { text, version, asOf }: Wanted,
  context: Context,
): Promise<CatalogEntry> => {
  const { platform, caller } = context;
  const slash = text.indexOf('/');
  const kind = slash < 0 ? undefined : findKind(text.slice(0, slash));
  const name = kind === undefined ? text : text.slice(slash + 1);
  const show = (of: Kind): Promise<CatalogEntry> =>
    platform.registry.show(of, name, version, caller, asOf);
  if (kind !== undefined) return show(kind);
  let kinds = await kindsOf(name, asOf, context);
  if (kinds.length === 0) kinds = await kindsOfAll(name, asOf, context);
  if (kinds.length === 1) return show(kinds[0] as Kind);
  return fail(
    'MR_PARAMETER_INVALID',
    `${JSON.stringify(name)} is the name of several definitions: write ${kinds
      .map((one) => JSON.stringify(streamOf(one, name)))
      .join(' or ')}`,
    { parameter: 'name' },
  );
};
