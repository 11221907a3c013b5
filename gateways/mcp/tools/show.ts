/** One definition: what it computes, and what a read of it must be given. */
import { type Static, Type } from 'typebox';
import type { CatalogEntry } from '#domain/api/registry.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { MillraceError } from '#domain/errors.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import { closed } from '#gateways/http/schemas/shapes.ts';
import { readInputs } from '#gateways/shared/read-inputs.ts';
import { namedEntry } from '../named-entry.ts';
import { timeText } from '../times.ts';
import { READS, type ToolContext, tool } from '../tool.ts';

/** Versions that are listed, the newest. */
const VERSIONS = 5;

const input = closed({
  name: Type.String({
    description:
      'name of a definition; where several kinds have the name, "KIND/NAME": feature-view/airport_delays',
  }),
  version: Type.Optional(
    Type.Integer({ minimum: 1, description: 'a version of it; default: the newest' }),
  ),
  definition: Type.Optional(
    Type.Boolean({
      description: 'whether to add the whole definition, with its expressions; default false',
    }),
  ),
});
type Args = Static<typeof input>;

/** The keys and request inputs of a read; null where the caller may not see what they come from. */
const inputsOf = async (
  { definition }: CatalogEntry,
  asOf: string,
  { platform, caller }: ToolContext,
): Promise<object | null> => {
  if (definition.kind === 'entity' || definition.kind === 'source') return null;
  const show = async (kind: Kind, name: string): Promise<Definition> =>
    (await platform.registry.show(kind, name, undefined, caller, asOf)).definition;
  try {
    const { keys, request } = await readInputs(show, definition);
    return {
      entityKeys: Object.fromEntries(keys),
      requestInputs: Object.fromEntries(
        [...request].map(([name, type]) => [name, formatFieldType(type)]),
      ),
    };
  } catch (error) {
    if (error instanceof MillraceError && [403, 404].includes(error.status)) return null;
    throw error;
  }
};

/** Of entities and sources the definition is what there is to show. */
const isPlain = ({ kind }: CatalogEntry): boolean => kind === 'entity' || kind === 'source';

export const showDefinition = tool<Args>({
  name: 'show_definition',
  title: 'Show a definition',
  description:
    'One definition: its features with types and what they compute, what a read of it must be given ("reads": entity keys and request inputs, with types), its newest versions, and the definitions that it is made from and that use it.',
  input,
  hints: READS,
  shorter: 'leave out "definition"',
  async run({ name, version, definition: whole = false }, context) {
    const { platform, caller, links, now } = context;
    const asOf = await platform.registry.position(caller);
    const time = now();
    const newest = await namedEntry(name, asOf, context);
    const { kind } = newest;
    const entry =
      version === undefined || version === newest.version
        ? newest
        : await platform.registry.show(kind, newest.name, version, caller, asOf);
    const { definition, features, versions } = entry;
    const inputs = await inputsOf(entry, asOf, context);
    return {
      at: time,
      known: time,
      link: links.get(['v1', 'registry', kind, entry.name, 'versions', String(entry.version)], {
        asOf,
      }),
      answer: {
        kind,
        name: entry.name,
        version: entry.version,
        status: entry.status,
        namespace: entry.namespace,
        owner: entry.owner,
        description: entry.description,
        tags: entry.tags,
        ...(features === undefined ? {} : { features }),
        ...(inputs === null ? {} : { reads: inputs }),
        madeFrom: entry.upstream,
        usedBy: entry.downstream,
        versions: versions.slice(-VERSIONS).map(({ version: n, registeredAt, actor, reason }) => ({
          version: n,
          registeredAt: timeText(registeredAt),
          actor,
          ...(reason === null ? {} : { reason }),
        })),
        ...(whole || isPlain(entry) ? { definition } : {}),
      },
    };
  },
});
