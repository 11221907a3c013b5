/** Definitions as the registry had them at the commit whose events are made. */
import type {
  Definition,
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { streamOf } from '#domain/registry/events.ts';
import { newestVersion, type RegistryState } from '#domain/registry/state.ts';

/** The registry as of one commit. */
export interface RegistryThen {
  readonly state: (stream: string) => RegistryState | null;
}

/** The newest version of a definition; null: there is none. */
export const newest = <T extends Definition>(
  registry: RegistryThen,
  kind: T['kind'],
  name: string,
): T | null =>
  (newestVersion(
    registry.state(streamOf(kind, name)) ?? {
      status: 'absent',
      versions: [],
      generations: [],
      timeline: [],
    },
  )?.definition as T | undefined) ?? null;

export interface ViewInputs {
  readonly source: SourceDefinition;
  readonly entity: EntityDefinition;
}

/** What a view is defined over; null where one of them is missing. */
export const inputsOfView = (
  registry: RegistryThen,
  view: FeatureViewDefinition,
): ViewInputs | null => {
  const source = newest<SourceDefinition>(registry, 'source', view.source);
  const entity = newest<EntityDefinition>(registry, 'entity', view.entity);
  return source === null || entity === null ? null : { source, entity };
};
