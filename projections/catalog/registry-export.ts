/** The registry as one document, which another registry can take over. */
import type { RegistryExport } from '#domain/api/registry.ts';
import { newestVersion } from '#domain/registry/state.ts';
import type { Catalog } from './catalog.ts';

export const registryExport = (catalog: Pick<Catalog, 'streams'>): RegistryExport => ({
  millrace: 'registry',
  definitions: catalog.streams().flatMap(({ kind, name, state }) => {
    const { status } = state;
    const newest = newestVersion(state);
    if (newest === null || (status !== 'active' && status !== 'deprecated')) return [];
    const { version, definition } = newest;
    return [{ kind, name, version, status, definition }];
  }),
});
