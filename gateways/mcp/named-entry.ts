/** The definition that a caller means by a name, as of a position of the registry. */
import type { CatalogEntry, Found } from '#domain/api/registry.ts';
import { fail } from '#domain/errors.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { findKind } from '#gateways/shared/kinds.ts';
import type { ToolContext } from './tool.ts';

const isDefinition = (entry: Found): entry is CatalogEntry => entry.kind !== 'dataset';

/**
 * Only what the caller may see is looked at, so a hidden name and an unregistered one get the same
 * answer.
 *
 * @param text a name, or KIND/NAME
 * @throws MR_NOT_FOUND, or MR_PARAMETER_INVALID where several kinds have the name
 */
export const namedEntry = async (
  text: string,
  asOf: string,
  { platform, caller }: Pick<ToolContext, 'platform' | 'caller'>,
): Promise<CatalogEntry> => {
  const slash = text.indexOf('/');
  const kind = slash < 0 ? undefined : findKind(text.slice(0, slash));
  const name = text.slice(slash + 1);
  const all = (await platform.registry.search('', caller, asOf)).filter(isDefinition);
  const found = all.filter(
    (entry) => entry.name === name && (kind === undefined || entry.kind === kind),
  );
  const [entry, other] = found;
  if (entry === undefined)
    return fail(
      'MR_NOT_FOUND',
      `nothing that you may see is registered as ${JSON.stringify(text)}${suggestion(
        name,
        all.map((one) => one.name),
      )}: search_definitions lists the names`,
      { name: text },
    );
  if (other !== undefined)
    return fail(
      'MR_PARAMETER_INVALID',
      `${JSON.stringify(text)} is the name of several definitions: write ${found
        .map((one) => JSON.stringify(`${one.kind}/${one.name}`))
        .join(' or ')}`,
      { parameter: 'name' },
    );
  return entry;
};
