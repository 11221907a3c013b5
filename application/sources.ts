/** The sources that are open for ingestion: of each one its newest version. */
import {
  type IngestDependencies,
  openSourceIngest,
  type SourceIngest,
} from '#commands/ingest/source-ingest.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { RawDecoders } from '#domain/sources/raw-decoders.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { noSource } from '#projections/catalog/retired.ts';

export interface Sources {
  /** null: this process has not read a definition of that name */
  readonly open: (name: string) => Promise<SourceIngest | null>;
  /**
   * The same, but looks for new commits of other processes before it fails.
   * @throws MR_UNKNOWN_SOURCE where there is no such source, or it is retired
   */
  readonly find: (name: string) => Promise<SourceIngest>;
}

interface SourcesDependencies extends IngestDependencies {
  readonly catalog: Catalog;
  readonly decoders: RawDecoders;
}

export const createSources = (dependencies: SourcesDependencies): Sources => {
  const { catalog, decoders } = dependencies;
  const byName = new Map<string, SourceIngest>();

  const opening = new Map<string, Promise<unknown>>();

  /** The newest version, if it is open; null: there is none. */
  const opened = (name: string): SourceIngest | null | undefined => {
    if (catalog.definition('source', name) === null) return null;
    const version = catalog.stream('source', name)?.state.versions.at(-1)?.version ?? 0;
    const current = byName.get(name);
    return current?.version === version ? current : undefined;
  };

  const openNewest = async (name: string): Promise<SourceIngest | null> => {
    const current = opened(name);
    if (current !== undefined) return current;
    const definition = catalog.definition('source', name) as SourceDefinition;
    const version = catalog.stream('source', name)?.state.versions.at(-1)?.version ?? 0;
    const before = byName.get(name) ?? null;
    const next = await openSourceIngest(definition, version, dependencies, before);
    await decoders.learn(definition);
    byName.set(name, next);
    return next;
  };

  /**
   * A source is opened by one call at a time: each version takes over the event ids of the one
   * before, and must not be replaced by an older one that took longer.
   */
  const open = async (name: string): Promise<SourceIngest | null> => {
    const current = opened(name);
    if (current !== undefined) return current;
    const next = (opening.get(name) ?? Promise.resolve())
      .catch(() => {})
      .then(() => openNewest(name));
    opening.set(name, next);
    return next;
  };

  return {
    open,
    async find(name) {
      const found = await open(name);
      if (found !== null) return found;
      await catalog.catchUp().catch(() => {});
      return (await open(name)) ?? noSource(catalog, name);
    },
  };
};
