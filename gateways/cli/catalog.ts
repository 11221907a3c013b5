/** Looks up a name from the command line in the registry. */
import type { CatalogEntry } from '#domain/api/registry.ts';
import type { Kind } from '#domain/definitions/model.ts';
import { hasCode, MillraceError } from '#domain/errors.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import type { Row, Scalar, ScalarType } from '#domain/values/value.ts';
import { readArgument } from '#gateways/shared/read-argument.ts';
import { fieldText, type ReadInputs, readInputs } from '#gateways/shared/read-inputs.ts';
import { type Client, path, query } from './client.ts';
import { pairsOf, UsageError } from './usage.ts';

export const find = async (
  client: Client,
  kind: Kind,
  name: string,
  version?: number,
  asOf?: string,
): Promise<CatalogEntry | null> => {
  try {
    return await client.get<CatalogEntry>(
      `${path(
        'v1',
        'registry',
        kind,
        name,
        ...(version === undefined ? [] : ['versions', String(version)]),
      )}${query({ asOf })}`,
    );
  } catch (error) {
    if (hasCode(error, 'MR_NOT_FOUND')) return null;
    throw error;
  }
};

/** All registered names that the caller may see, for a hint. */
export const namesOf = async (client: Client, kinds: readonly Kind[]): Promise<readonly string[]> =>
  (
    await Promise.all(
      kinds.map((kind) => client.get<readonly CatalogEntry[]>(path('v1', 'registry', kind))),
    )
  ).flatMap((entries) => entries.map(({ name }) => name));

const mustFind = async (client: Client, kind: Kind, name: string): Promise<CatalogEntry> => {
  const entry = await find(client, kind, name);
  if (entry === null)
    throw new MillraceError('MR_NOT_FOUND', `there is no ${kind} "${name}"`, { kind, name });
  return entry;
};

/** A hint for a name that is a feature, not a service or a view. */
const hintFor = async (client: Client, name: string): Promise<string> => {
  const [view = '', feature] = name.split(/[:.]/);
  if (feature !== undefined && (await find(client, 'feature-view', view)) !== null)
    return `: give the name of the view, "${view}", to see all its features`;
  if ((await find(client, 'on-demand-feature', name)) !== null)
    return `: it is an on-demand feature; read it through a feature service that has it`;
  return '';
};

/** The service or view of that name. @throws MR_NOT_FOUND */
export const findTarget = async (client: Client, name: string): Promise<CatalogEntry> => {
  const found =
    (await find(client, 'feature-service', name)) ?? (await find(client, 'feature-view', name));
  if (found !== null) return found;
  throw new MillraceError(
    'MR_NOT_FOUND',
    `there is no feature service or feature view "${name}"${(await hintFor(client, name)) || suggestion(name, await namesOf(client, ['feature-service', 'feature-view']))}`,
    { name },
  );
};

export const targetOf = ({ kind, name }: CatalogEntry): { service: string } | { view: string } =>
  kind === 'feature-service' ? { service: name } : { view: name };

/** The entity keys and the request inputs that a service or view reads, with their types. */
export const inputsOf = (client: Client, target: CatalogEntry): Promise<ReadInputs> =>
  readInputs(
    async (kind, name) => (await mustFind(client, kind, name)).definition,
    target.definition,
  );

const typeOf = <T>(option: string, key: string, types: ReadonlyMap<string, T>): T => {
  const type = types.get(key);
  if (type !== undefined) return type;
  const names = [...types.keys()];
  throw new UsageError(
    `${option} ${key}: there is no such key; the keys are: ${names.join(', ') || 'none'}${suggestion(key, names)}`,
  );
};

/** `--entity a=1 b=2 a=3 b=4` is two entities: a repeated key begins the next one. */
export const entitiesOf = (
  texts: readonly string[],
  types: ReadonlyMap<string, ScalarType>,
): Record<string, Scalar>[] => {
  const entities: Record<string, Scalar>[] = [];
  for (const [key, value] of pairsOf('--entity', texts)) {
    let current = entities.at(-1);
    if (current === undefined || key in current) {
      current = {};
      entities.push(current);
    }
    current[key] = readArgument('entity key', key, typeOf('--entity', key, types), value);
  }
  return entities;
};

export const requestOf = (texts: readonly string[], types: ReadInputs['request']): Row =>
  Object.fromEntries(
    pairsOf('--request', texts).map(([key, value]) => [
      key,
      fieldText(key, typeOf('--request', key, types), value),
    ]),
  );
