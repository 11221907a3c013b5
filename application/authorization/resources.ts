/**
 * What a question touches: the registered things, each in its namespace. A name that is not
 * registered touches nothing.
 */

import type { ReadRequest } from '#domain/api/serving.ts';
import { DEFAULT_NAMESPACE, type Definition, type Kind } from '#domain/definitions/model.ts';
import { featureReference } from '#domain/definitions/names.ts';
import { KINDS, streamOf } from '#domain/registry/events.ts';
import { newestVersion } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { upstreamOf } from '#projections/catalog/references.ts';

export interface Resource {
  /** kind/name */
  readonly id: string;
  readonly namespace: string;
}

export type ReadTarget = Pick<ReadRequest, 'service' | 'features'>;

export interface Resources {
  readonly one: (kind: Kind, name: string) => readonly Resource[];
  /** by `kind/name`; null where it is no registered thing's */
  readonly namespaceOf: (id: string) => string | null;
  /** all kinds of things of that name */
  readonly named: (name: string) => readonly Resource[];
  /** a view and what it is computed from */
  readonly withSource: (view: string) => readonly Resource[];
  /** the service, the views and the on-demand features that a read shows values of */
  readonly ofRead: (target: ReadTarget) => readonly Resource[];
  /** where a definition is and where it would be */
  readonly defining: (definition: Definition) => readonly Resource[];
  /** what it refers to, as it will be beside the others */
  readonly usedBy: (definition: Definition, beside: readonly Definition[]) => readonly Resource[];
}

const KEPT = 1000;
const namespaceIn = (definition: Pick<Definition, 'namespace'>): string =>
  definition.namespace ?? DEFAULT_NAMESPACE;

export const createResources = (catalog: Catalog): Resources => {
  let position = -1;
  const reads = new Map<string, readonly Resource[]>();

  /** The newest definition, also of what is retired. */
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
  /** An on-demand feature shows the values that it is computed from. */
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

  return {
    one,
    namespaceOf: (id) => byId(id)[0]?.namespace ?? null,
    named: (name) => KINDS.flatMap((kind) => one(kind, name)),
    withSource(view) {
      const definition = newest('feature-view', view);
      return definition?.kind === 'feature-view'
        ? [...one('feature-view', view), ...one('source', definition.source)]
        : [];
    },
    ofRead({ service, features = [] }) {
      if (catalog.position() !== position || reads.size > KEPT) {
        reads.clear();
        position = catalog.position();
      }
      // With their number no two lists of names that there are have the same text, whatever else is
      // asked for in between.
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
    usedBy(definition, beside) {
      const over = new Map(
        beside.map((other) => [streamOf(other.kind, other.name), namespaceIn(other)]),
      );
      return upstreamOf(definition).flatMap((id) => {
        // Where it is and where it is put by the same apply: neither may be reached around the
        // other.
        const put = over.get(id);
        return put === undefined ? byId(id) : [...byId(id), { id, namespace: put }];
      });
    },
  };
};
