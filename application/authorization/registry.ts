/** Authorization of commands, and of what a caller sees of the catalog. */
import type { Caller } from '#domain/api/caller.ts';
import type {
  CatalogDataset,
  CatalogEntry,
  LineageGraph,
  MayBreak,
  Registry,
} from '#domain/api/registry.ts';
import { EVERYWHERE, may } from '#domain/authorization/grants.ts';
import { datasetStream } from '#domain/datasets/dataset.ts';
import { DEFAULT_NAMESPACE, type Definition } from '#domain/definitions/model.ts';
import { streamOf } from '#domain/registry/events.ts';
import { PLATFORM } from './authorizer.ts';
import type { Checks } from './checks.ts';
import { commandNeeds } from './command-needs.ts';
import { hideIn, visibleTo } from './hide.ts';
import type { Resources } from './resources.ts';

/** Whether the caller may break a definition by a forced change. */
export const mayBreakOf =
  (resources: Pick<Resources, 'namespaceOf'>, caller: Caller | undefined): MayBreak =>
  (id) =>
    may(caller?.principal?.grants ?? [], 'define', resources.namespaceOf(id) ?? EVERYWHERE);

export const authorizeRegistry = (
  registry: Registry,
  { authorize, visibleNamespaces, resources }: Checks,
): Registry => {
  const shownTo = (caller: Caller | undefined): ((id: string) => boolean) =>
    visibleTo(caller, resources.namespaceOf);
  const mayBreak = (caller: Caller | undefined): MayBreak => mayBreakOf(resources, caller);
  const visibleEntry =
    (visible: (namespace: string | null) => boolean) =>
    (entry: CatalogEntry): CatalogEntry => ({
      ...entry,
      downstream: entry.downstream.filter((id) => visible(resources.namespaceOf(id))),
    });
  /** Of an earlier registry: in the namespace of then, and in the present one. */
  const visibleEntries = (
    entries: readonly CatalogEntry[],
    visible: (namespace: string | null) => boolean,
  ): readonly CatalogEntry[] =>
    entries
      .filter(({ namespace }) => visible(namespace))
      .filter(({ kind, name }) => visible(resources.namespaceOf(streamOf(kind, name))))
      .map(visibleEntry(visible));
  const authorizeDefinitions = (
    caller: Caller | undefined,
    definitions: readonly Definition[],
  ): void => {
    for (const definition of definitions) {
      authorize(caller, 'define', resources.defining(definition));
      authorize(caller, 'use', resources.usedBy(definition, definitions));
    }
    if (definitions.length === 0) authorize(caller, 'define', []);
  };

  type Visible = (namespace: string | null) => boolean;
  /** A data set is visible to those who see all that it is made of. */
  const visibleDataset =
    (visible: Visible) =>
    ({ upstream }: CatalogDataset): boolean =>
      upstream.every((id) => visible(resources.namespaceOf(id)));
  const visibleGraph = (
    { nodes, edges }: LineageGraph,
    visible: Visible,
    datasets: readonly CatalogDataset[],
  ): LineageGraph => {
    const shownSets = new Set(
      datasets.filter(visibleDataset(visible)).map(({ name }) => datasetStream(name)),
    );
    const shown = nodes.filter(({ id, kind }) =>
      kind === 'dataset' ? shownSets.has(id) : visible(resources.namespaceOf(id)),
    );
    const ids = new Set(shown.map(({ id }) => id));
    return { nodes: shown, edges: edges.filter(({ from, to }) => ids.has(from) && ids.has(to)) };
  };

  return {
    async command(request, caller) {
      for (const { action, resources: touched } of commandNeeds(resources, request))
        authorize(caller, action, touched);
      return hideIn(
        await registry.command({ ...request, mayBreak: mayBreak(caller) }, caller),
        shownTo(caller),
      );
    },
    async plan(definitions, options, caller) {
      authorizeDefinitions(caller, definitions);
      const plan = await registry.plan(definitions, options, caller);
      return hideIn(plan, shownTo(caller));
    },
    async apply(definitions, options, caller) {
      authorizeDefinitions(caller, definitions);
      if (options.prune === true) {
        const { missing } = await registry.plan(definitions, {}, caller);
        for (const { kind, name } of missing)
          authorize(caller, 'define', resources.one(kind, name));
      }
      return hideIn(
        await registry.apply(definitions, { ...options, mayBreak: mayBreak(caller) }, caller),
        shownTo(caller),
      );
    },
    async exported(caller) {
      const visible = visibleNamespaces(caller, 'catalog');
      const { definitions, ...rest } = await registry.exported(caller);
      return {
        ...rest,
        definitions: definitions.filter(({ definition }) =>
          visible(definition.namespace ?? DEFAULT_NAMESPACE),
        ),
      };
    },
    async position(caller) {
      authorize(caller, 'catalog', []);
      return registry.position(caller);
    },
    async list(kind, caller, asOf) {
      const visible = visibleNamespaces(caller, 'catalog');
      return visibleEntries(await registry.list(kind, caller, asOf), visible);
    },
    async show(kind, name, version, caller, asOf) {
      authorize(caller, 'catalog', resources.one(kind, name));
      const entry = await registry.show(kind, name, version, caller, asOf);
      const visible = visibleNamespaces(caller, 'catalog');
      if (asOf !== undefined && !visible(entry.namespace))
        authorize(caller, 'catalog', [{ id: streamOf(kind, name), namespace: null }]);
      return visibleEntry(visible)(entry);
    },
    async datasets(caller, asOf) {
      const visible = visibleNamespaces(caller, 'catalog');
      return (await registry.datasets(caller, asOf)).filter(visibleDataset(visible));
    },
    async search(text, caller, asOf) {
      const visible = visibleNamespaces(caller, 'catalog');
      const found = await registry.search(text, caller, asOf);
      const isShown = visibleDataset(visible);
      return [
        ...visibleEntries(
          found.filter((entry) => entry.kind !== 'dataset'),
          visible,
        ),
        ...found.filter((entry) => entry.kind === 'dataset').filter(isShown),
      ];
    },
    async lineage(name, caller, asOf) {
      const visible = visibleNamespaces(caller, 'catalog');
      const named = name === undefined ? [] : resources.named(name);
      const whole = await registry.lineage(name, caller, asOf).catch((error: unknown) => {
        if (name === undefined) throw error;
        // A name that is hidden and one that does not exist get one answer.
        authorize(caller, 'catalog', [{ id: name, namespace: null }]);
        throw error;
      });
      const { nodes, edges } = visibleGraph(whole, visible, await registry.datasets(caller));
      const isShown = (id: string): boolean => nodes.some((node) => node.id === id);
      if (
        name !== undefined &&
        !named.some(({ namespace }) => visible(namespace)) &&
        !isShown(datasetStream(name))
      )
        authorize(caller, 'catalog', [{ id: name, namespace: null }]);
      return { nodes, edges };
    },
    /** One sequence of all namespaces: only a grant on the whole platform is enough. */
    async lineageEvents(query, caller) {
      authorize(caller, 'catalog', PLATFORM);
      return registry.lineageEvents(query, caller);
    },
  };
};
