/** Definitions and named data sets that match words, briefly. */
import { type Static, Type } from 'typebox';
import type { Found } from '#domain/api/registry.ts';
import { KINDS } from '#domain/registry/events.ts';
import { closed, oneOf } from '#gateways/http/schemas/shapes.ts';
import { DATASET_KIND } from '#gateways/shared/kinds.ts';
import { described } from '../schemas.ts';
import { READS, tool } from '../tool.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
/** Feature names of one definition in a list. */
const NAMES = 20;
const MAX_DESCRIPTION = 200;

const input = closed({
  query: Type.Optional(
    Type.String({
      description:
        'words; a result has all of them in its name, description, owner, tags or features; absent: all',
    }),
  ),
  kind: Type.Optional(described(oneOf(...KINDS, DATASET_KIND), 'only this kind')),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_LIMIT,
      description: `most definitions to list; default ${DEFAULT_LIMIT}`,
    }),
  ),
});
type Args = Static<typeof input>;

const cut = (text: string): string =>
  text.length <= MAX_DESCRIPTION ? text : `${text.slice(0, MAX_DESCRIPTION).toWellFormed()}…`;

const brief = (entry: Found): object => {
  const { kind, name, version, status, namespace, description, owner, tags } = entry;
  const features = 'features' in entry ? (entry.features ?? []) : [];
  const names = features.map((feature) => feature.name);
  const left = names.length - NAMES;
  return {
    kind,
    name,
    version,
    ...(status === 'active' ? {} : { status }),
    namespace,
    ...(description === null ? {} : { description: cut(description) }),
    ...(owner === null ? {} : { owner }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(names.length === 0 ? {} : { features: names.slice(0, NAMES) }),
    ...(left > 0 ? { moreFeatures: left } : {}),
  };
};

export const searchDefinitions = tool<Args>({
  name: 'search_definitions',
  title: 'Search definitions',
  description:
    'Finds registered definitions: entities (what is described, with its keys), sources (streams of raw events), feature views (features computed from a source), on-demand features (computed at read time) and feature services (what one model reads); and named data sets. Start here to learn the names that other tools take.',
  input,
  hints: READS,
  shorter: 'use more words, a "kind" or a smaller "limit"',
  async run({ query = '', kind, limit = DEFAULT_LIMIT }, { platform, caller, links, now }) {
    const asOf = await platform.registry.position(caller);
    const time = now();
    const all = await platform.registry.search(query, caller, asOf);
    const found = kind === undefined ? all : all.filter((entry) => entry.kind === kind);
    const shown = found.slice(0, limit);
    return {
      at: time,
      known: time,
      link: links.get(['v1', 'search'], { q: query, asOf }),
      answer: {
        definitions: shown.map(brief),
        total: found.length,
        ...(found.length > shown.length ? { leftOut: found.length - shown.length } : {}),
      },
    };
  },
});
