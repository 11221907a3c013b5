/** The sources that are open for ingestion: of each one its newest version. */
import {
  type IngestDependencies,
  openSourceIngest,
  type SourceIngest,
} from '#commands/ingest/source-ingest.ts';
import type { RawDecoders } from '#domain/sources/raw-decoders.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

export interface Sources {
  /** null: this process has not read a definition of that name */
  readonly open: (name: string) => Promise<SourceIngest | null>;
  /** The same, but looks for new commits of other processes before it returns null. */
  readonly find: (name: string) => Promise<SourceIngest | null>;
}

interface SourcesDependencies extends IngestDependencies {
  readonly catalog: Catalog;
  readonly decoders: RawDecoders;
}

export const createSources = (dependencies: SourcesDependencies): Sources => {
  const { catalog, decoders } = dependencies;
  const byName = new Map<string, SourceIngest>();

  const open = async (name: string): Promise<SourceIngest | null> => {
    const definition = catalog.definition('source', name);
    const version = catalog.stream('source', name)?.state.versions.at(-1)?.version ?? 0;
    if (definition === null) return null;
    const current = byName.get(name);
    if (current?.version === version) return current;
    const next = await openSourceIngest(definition, version, dependencies, current ?? null);
    await decoders.learn(definition);
    byName.set(name, next);
    return next;
  };

  return {
    open,
    async find(name) {
      const found = await open(name);
      if (found !== null) return found;
      await catalog.catchUp().catch(() => {});
      return open(name);
    },
  };
};
