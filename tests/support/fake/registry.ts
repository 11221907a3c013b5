/** The registry, as the fake platform does it. */
import type { Registry } from '#domain/api/registry.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { entryOf } from './samples.ts';
import type { FakeState } from './state.ts';

export const fakeRegistry = ({ catalog, of, log }: FakeState): Registry => {
  const changes = (definitions: readonly Definition[]) =>
    definitions.map(({ kind, name }) => ({
      kind,
      name,
      action: catalog.has(`${kind}/${name}`) ? ('unchanged' as const) : ('create' as const),
      cost: 'none' as const,
      fields: [],
      notes: [],
      problems: [],
    }));

  return {
    async command(request, caller) {
      log('command', request, caller);
      if (request.expectedVersion === 7)
        fail('MR_VERSION_CONFLICT', 'the version is 8', { currentVersion: 8 });
      if (request.type === 'Crash') throw new Error('secret cause');
      return { events: [{ type: 'Done', data: request.data }], position: 'registry@0:1' };
    },
    async plan(definitions) {
      return { changes: changes(definitions), missing: [] };
    },
    async apply(definitions, options, caller) {
      log('apply', definitions, options, caller);
      const result = changes(definitions);
      for (const definition of definitions)
        catalog.set(`${definition.kind}/${definition.name}`, entryOf(definition));
      return {
        changes: result,
        missing: [],
        position: 'registry@0:1',
        applied: result.filter((c) => c.action === 'create').length,
      };
    },
    async exported() {
      return { millrace: 'registry', definitions: [] };
    },
    async position() {
      return 'registry@0:1';
    },
    async list(kind) {
      return [...catalog.values()].filter((entry) => entry.kind === kind);
    },
    async show(kind, name) {
      return of(kind, name);
    },
    datasets: async () => [],
    async search(text) {
      return [...catalog.values()].filter((entry) => entry.name.includes(text));
    },
    async lineageEvents({ after = 0 }) {
      return { events: [{ eventTime: '2026-01-01T00:00:00.000Z' }], next: after + 1 };
    },
    async lineage() {
      return {
        nodes: [
          { id: 'source/flights', kind: 'source' },
          { id: 'feature-view/airport_delays', kind: 'feature-view' },
        ],
        edges: [{ from: 'source/flights', to: 'feature-view/airport_delays' }],
      };
    },
  };
};
