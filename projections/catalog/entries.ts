/**
 * Catalog entries: a definition with its versions, its features, where these are materialized, and
 * the definitions above and below it.
 */

import type { CatalogDataset, CatalogEntry, Found, LineageGraph } from '#domain/api/registry.ts';
import { datasetStream } from '#domain/datasets/dataset.ts';
import { upstreamOfDataset } from '#domain/datasets/made-of.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import { DEFAULT_NAMESPACE, type Kind } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { KINDS, streamOf } from '#domain/registry/events.ts';
import { downstreamOf, upstreamOf } from '#domain/registry/references.ts';
import { overlay } from '#domain/registry/registered.ts';
import { newestVersion } from '#domain/registry/state.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import type { CatalogStream, CatalogStreams } from './catalog-streams.ts';
import { datasetEntries } from './dataset-entries.ts';
import { featuresOf } from './feature-entries.ts';

interface EntriesDependencies {
  readonly catalog: CatalogStreams;
  /** where a view's features are stored now, and how far; absent: not said */
  readonly materializations?: (
    view: string,
  ) => Promise<NonNullable<CatalogEntry['materializations']>>;
  /** the SQL of a version of a view; null: its source does not fit it any more */
  readonly sql?: (view: string, version: number) => string | null;
  /** named data sets; absent: none */
  readonly datasets?: () => readonly DatasetManifest[];
}

interface RegistryQueries {
  readonly list: (kind: Kind) => Promise<readonly CatalogEntry[]>;
  readonly show: (kind: Kind, name: string, version?: number) => Promise<CatalogEntry>;
  readonly search: (text: string) => Promise<readonly Found[]>;
  readonly datasets: () => Promise<readonly CatalogDataset[]>;
  readonly lineage: (name?: string) => Promise<LineageGraph>;
}

const textOf = (entry: CatalogEntry): string =>
  [
    entry.name,
    entry.description,
    entry.owner,
    ...entry.tags,
    ...(entry.features ?? []).flatMap((f) => [f.name, f.description]),
  ]
    .join('\n')
    .toLowerCase();

const hasWords = (text: string, words: readonly string[]): boolean =>
  words.every((word) => text.includes(word));

export const createRegistryQueries = ({
  catalog,
  materializations,
  sql,
  datasets = () => [],
}: EntriesDependencies): RegistryQueries => {
  const storedOf = async (
    view: string,
    version: number,
  ): Promise<Pick<CatalogEntry, 'materializations' | 'sql'>> => {
    const text = sql?.(view, version) ?? null;
    return {
      ...(materializations === undefined ? {} : { materializations: await materializations(view) }),
      ...(text === null ? {} : { sql: text }),
    };
  };
  const entryOf = async (stream: CatalogStream, version?: number): Promise<CatalogEntry> => {
    const { kind, name, state, registrations } = stream;
    const found =
      version === undefined
        ? newestVersion(state)
        : state.versions.find((v) => v.version === version);
    if (found === undefined || found === null) {
      return fail(
        'MR_NOT_FOUND',
        `${kind} "${name}" has no version ${version}; it has ${state.versions.map((v) => v.version).join(', ')}`,
        { kind, name },
      );
    }
    const { definition } = found;
    const features = featuresOf(catalog, definition);
    return {
      kind,
      name,
      version: found.version,
      status: state.status === 'absent' ? 'active' : state.status,
      namespace: definition.namespace ?? DEFAULT_NAMESPACE,
      owner: definition.owner ?? null,
      description: definition.description ?? null,
      tags: definition.tags ?? [],
      definition,
      versions: registrations.map(({ version: v, at, actor, reason }) => ({
        version: v,
        registeredAt: at,
        actor,
        reason,
      })),
      ...(features === undefined ? {} : { features }),
      ...(kind === 'feature-view' ? await storedOf(name, found.version) : {}),
      upstream: upstreamOf(definition),
      downstream: downstreamOf(overlay(catalog, []).all(), streamOf(kind, name)),
    };
  };
  const entries = (kind?: Kind): Promise<CatalogEntry[]> =>
    Promise.all(
      catalog
        .streams(kind)
        .filter(({ state }) => state.versions.length > 0)
        .map((stream) => entryOf(stream)),
    );

  return {
    list: (kind) => entries(kind),
    async show(kind, name, version) {
      const stream = catalog.stream(kind, name);
      if (stream === null || stream.state.versions.length === 0) {
        const names = catalog.streams(kind).map((s) => s.name);
        return fail('MR_NOT_FOUND', `there is no ${kind} "${name}"${suggestion(name, names)}`, {
          kind,
          name,
        });
      }
      return entryOf(stream, version);
    },
    async search(text) {
      const words = text.toLowerCase().split(/\s+/).filter(Boolean);
      return [
        ...(await entries()).filter((entry) => hasWords(textOf(entry), words)),
        ...datasetEntries(catalog, datasets())
          .filter(({ text: own }) => hasWords(own, words))
          .map(({ entry }) => entry),
      ];
    },
    datasets: async () => datasetEntries(catalog, datasets()).map(({ entry }) => entry),
    async lineage(name) {
      const all = overlay(catalog, []).all();
      const definitions = new Map(
        all.map((definition) => [streamOf(definition.kind, definition.name), definition]),
      );
      const ids = new Map<string, Omit<LineageGraph['nodes'][number], 'id'>>(
        [...definitions].map(([id, { kind }]) => [id, { kind }]),
      );
      const edges = [...definitions].flatMap(([to, definition]) =>
        upstreamOf(definition).map((from) => ({ from, to })),
      );
      for (const dataset of datasets()) {
        const to = datasetStream(dataset.name);
        const { version, at: createdAt, content } = dataset;
        ids.set(to, {
          kind: 'dataset',
          dataset: { version, createdAt, rows: content?.rows ?? null },
        });
        for (const from of upstreamOfDataset(dataset))
          if (definitions.has(from) && !edges.some((e) => e.from === from && e.to === to))
            edges.push({ from, to });
      }
      if (name === undefined)
        return { nodes: [...ids].map(([id, node]) => ({ id, ...node })), edges };
      const start = [...KINDS.map((kind) => streamOf(kind, name)), datasetStream(name)].filter(
        (id) => ids.has(id),
      );
      if (start.length === 0)
        return fail('MR_NOT_FOUND', `nothing named "${name}" is registered`, { name });
      const reach = (
        from: readonly string[],
        next: (id: string) => readonly string[],
      ): Set<string> => {
        const seen = new Set(from);
        for (const id of seen) for (const other of next(id)) seen.add(other);
        return seen;
      };
      const up = reach(start, (id) => edges.filter((e) => e.to === id).map((e) => e.from));
      const down = reach(start, (id) => edges.filter((e) => e.from === id).map((e) => e.to));
      const near = new Set([...up, ...down]);
      return {
        nodes: [...near].map((id) => ({ id, ...(ids.get(id) ?? { kind: 'unknown' }) })),
        edges: edges.filter(
          (e) => (up.has(e.from) && up.has(e.to)) || (down.has(e.from) && down.has(e.to)),
        ),
      };
    },
  };
};
