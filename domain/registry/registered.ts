/**
 * The registered definitions, as plans and decisions read them: those of the catalog, or of an
 * export.
 */
import type {
  Definition,
  EntityDefinition,
  FeatureServiceDefinition,
  FeatureViewDefinition,
  Kind,
  OnDemandFeatureDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { streamOf } from './events.ts';
import type { RegistryState } from './state.ts';

export interface ByKind {
  entity: EntityDefinition;
  source: SourceDefinition;
  'feature-view': FeatureViewDefinition;
  'on-demand-feature': OnDemandFeatureDefinition;
  'feature-service': FeatureServiceDefinition;
}

export interface RegistryStream {
  readonly kind: Kind;
  readonly name: string;
  readonly state: RegistryState;
}

export interface Registered {
  readonly streams: (kind?: Kind) => readonly RegistryStream[];
  readonly stream: (kind: Kind, name: string) => RegistryStream | null;
  /** The newest version, or the given one; null where there is none or it is retired. */
  readonly definition: <K extends Kind>(
    kind: K,
    name: string,
    version?: number,
  ) => ByKind[K] | null;
}

export interface CatalogDefinitions {
  /** whether a name has no definition because it is retired */
  readonly retired: (kind: Kind, name: string) => boolean;
  readonly definition: Registered['definition'];
  readonly all: () => readonly Definition[];
}

/**
 * The registered definitions that are not retired, as they would be after applying others.
 * @param retired left out of `all`, as kind/name
 */
export const overlay = (
  catalog: Registered,
  definitions: readonly Definition[],
  retired: ReadonlySet<string> = new Set(),
): CatalogDefinitions => {
  const over = new Map(
    definitions.map((definition) => [streamOf(definition.kind, definition.name), definition]),
  );
  return {
    definition: (kind, name, version) =>
      version === undefined
        ? ((over.get(streamOf(kind, name)) as never) ?? catalog.definition(kind, name))
        : catalog.definition(kind, name, version),
    retired: (kind, name) =>
      !over.has(streamOf(kind, name)) && catalog.stream(kind, name)?.state.status === 'retired',
    all() {
      const names = new Map<string, Definition>();
      for (const { kind, name } of catalog.streams()) {
        const found = catalog.definition(kind, name);
        const id = streamOf(kind, name);
        if (found !== null && !retired.has(id)) names.set(id, found);
      }
      for (const [id, definition] of over) names.set(id, definition);
      return [...names.values()];
    },
  };
};
