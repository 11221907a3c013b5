/** The registered definition that a name on the command line means. */
import type { CatalogEntry } from '#domain/api/registry.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { KINDS } from '#domain/registry/events.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { findKind, unknownKind } from '#gateways/shared/kinds.ts';
import { find, namesOf } from './catalog.ts';
import type { Client } from './client.ts';
import { UsageError } from './usage.ts';

/** The kind of that name, or all. */
export const kindsOf = (name: string | undefined): readonly Kind[] => {
  if (name === undefined) return KINDS;
  const kind = findKind(name);
  if (kind === undefined) throw new UsageError(unknownKind(name));
  return [kind];
};

interface Wanted {
  readonly kind?: string;
  readonly version?: number;
  /** a position of the registry */
  readonly asOf?: string;
  /** where several kinds have the name, those that it does not hold for are left out */
  readonly prefer?: (entry: CatalogEntry) => boolean;
}

/**
 * @param name a name, or KIND/NAME
 * @throws MR_NOT_FOUND, or MR_REFUSED where several kinds have the name
 */
export const namedEntry = async (
  client: Client,
  name: string,
  { kind, version, asOf, prefer = () => true }: Wanted = {},
): Promise<CatalogEntry> => {
  const [prefix, rest] = name.includes('/')
    ? (name.split('/', 2) as [string, string])
    : [kind, name];
  const kinds = kindsOf(prefix);
  const found = (
    await Promise.all(kinds.map((one) => find(client, one, rest, version, asOf)))
  ).filter((entry) => entry !== null);
  const preferred = found.filter(prefer);
  const [entry, other] = preferred.length > 0 ? preferred : found;
  if (entry === undefined)
    return fail(
      'MR_NOT_FOUND',
      `nothing is registered as "${name}"${suggestion(rest, await namesOf(client, kinds))}`,
      { name },
    );
  if (other !== undefined)
    return fail(
      'MR_REFUSED',
      `"${name}" is the name of several definitions: write ${found.map((e) => `${e.kind}/${e.name}`).join(' or ')}`,
      { name },
    );
  return entry;
};
