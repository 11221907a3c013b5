/**
 * The registered resources that a request touches, each with its namespace. A name that is not
 * registered touches none.
 */

import type { ExplainRequest, ReadRequest } from '#domain/api/serving.ts';
import { DEFAULT_NAMESPACE, type Definition, type Kind } from '#domain/definitions/model.ts';
import { featureReference } from '#domain/definitions/names.ts';
import { KINDS, streamOf } from '#domain/registry/events.ts';
import { upstreamOf } from '#domain/registry/references.ts';
import { newestVersion } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

export interface Resource {
  /** kind/name */
  readonly id: string;
  readonly namespace: string;
}

export type ReadTarget = Pick<ReadRequest, 'service' | 'features'>;

export interface Resources {
  readonly one: (kind: Kind, name: string) => readonly Resource[];
  /** of a resource `kind/name`; null where it is not registered */
  readonly namespaceOf: (id: string) => string | null;
  /** the resources of that name, of all kinds */
  readonly named: (name: string) => readonly Resource[];
  /** a view and what it is computed from */
  readonly withSource: (view: string) => readonly Resource[];
  /** the service, the views and the on-demand features whose values a read shows */
  readonly ofRead: (target: ReadTarget) => readonly Resource[];
  /** of the feature that is explained: all that its value is computed from, down to the sources */
  readonly ofExplanation: (
    request: Pick<ExplainRequest, 'view' | 'feature'>,
  ) => readonly Resource[];
  /** the definition in its present namespace, and in the one that it would have */
  readonly defining: (definition: Definition) => readonly Resource[];
  /** what a definition refers to; @param batch the definitions that are applied with it */
  readonly usedBy: (definition: Definition, batch: readonly Definition[]) => readonly Resource[];
}

const VIEW = streamOf('feature-view', '');
const MAX_CACHED_READS = 1000;
const namespaceIn = (definition: Pick<Definition, 'namespace'>): string =>
  definition.namespace ?? DEFAULT_NAMESPACE;

export const createResources = (catalog: Catalog): Resources => {
  let position = -1;
  const reads = new Map<string, readonly Resource[]>();

  /** The newest definition, retired or not. */
  const newest = (kind: Kind, name: string): Definition | null =>
    newestVersion(
      catalog.stream(kind, name)?.state ?? {
        status: 'absent',
        versions: [],
        generations: [],
        timeline: [],
      },
    )?.definition ?? null;
  const one = (kind: Kind, name: string): readonly Resource[] => {
    const definition = newest(kind, name);
    return definition === null
      ? []
      : [{ id: streamOf(kind, name), namespace: namespaceIn(definition) }];
  };
  const byId = (id: string): readonly Resource[] => {
    const [kind, name] = [id.slice(0, id.indexOf('/')), id.slice(id.indexOf('/') + 1)];
    return KINDS.includes(kind as Kind) ? one(kind as Kind, name) : [];
  };
  /** An on-demand feature reveals the values that it is computed from. */
  const onDemand = (name: string, seen: Set<string> = new Set()): readonly Resource[] => {
    const definition = newest('on-demand-feature', name);
    if (definition?.kind !== 'on-demand-feature' || seen.has(name)) return [];
    seen.add(name);
    const inputs = Object.values(definition.inputs).flatMap((input) =>
      input.from === 'feature'
        ? one('feature-view', input.view)
        : input.from === 'on-demand'
          ? onDemand(input.name, seen)
          : [],
    );
    return [...one('on-demand-feature', name), ...inputs];
  };
  const ofService = (name: string): readonly Resource[] => {
    const definition = newest('feature-service', name);
    if (definition?.kind !== 'feature-service') return [];
    const members = definition.features.flatMap((member) =>
      member.from === 'view' ? one('feature-view', member.view) : onDemand(member.name),
    );
    return [...one('feature-service', name), ...members];
  };
  const ofFeature = (text: string): readonly Resource[] => {
    const wanted = featureReference(text);
    return wanted === null ? onDemand(text) : one('feature-view', wanted.view);
  };

  const withSource: Resources['withSource'] = (view) => {
    const definition = newest('feature-view', view);
    return definition?.kind === 'feature-view'
      ? [...one('feature-view', view), ...one('source', definition.source)]
      : [];
  };

  return {
    one,
    namespaceOf: (id) => byId(id)[0]?.namespace ?? null,
    named: (name) => KINDS.flatMap((kind) => one(kind, name)),
    withSource,
    ofExplanation({ view, feature }) {
      if (view !== undefined) return withSource(view);
      const read = onDemand(feature);
      const views = read.flatMap(({ id }) =>
        id.startsWith(VIEW) ? withSource(id.slice(VIEW.length)) : [],
      );
      return [...read, ...views];
    },
    ofRead({ service, features = [] }) {
      if (catalog.position() !== position || reads.size > MAX_CACHED_READS) {
        reads.clear();
        position = catalog.position();
      }
      // The number of names keeps the texts of two different lists apart, whatever the names
      // contain.
      const key =
        service === undefined ? `${features.length} ${features.join('\0')}` : `service ${service}`;
      let found = reads.get(key);
      if (found === undefined) {
        const all = service === undefined ? features.flatMap(ofFeature) : ofService(service);
        found = [...new Map(all.map((resource) => [resource.id, resource])).values()];
        reads.set(key, found);
      }
      return found;
    },
    defining(definition) {
      const id = streamOf(definition.kind, definition.name);
      return [...one(definition.kind, definition.name), { id, namespace: namespaceIn(definition) }];
    },
    usedBy(definition, batch) {
      const applied = new Map(
        batch.map((other) => [streamOf(other.kind, other.name), namespaceIn(other)]),
      );
      return upstreamOf(definition).flatMap((id) => {
        // Both the present namespace and the one that the same apply gives it are needed: a move
        // must not be a way around either.
        const namespace = applied.get(id);
        return namespace === undefined ? byId(id) : [...byId(id), { id, namespace }];
      });
    },
  };
};
