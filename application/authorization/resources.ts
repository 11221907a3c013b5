/**
 * The resources that a request touches, each with its namespace. A name that is not registered is a
 * resource without a namespace, so that callers cannot tell it from one of a hidden namespace.
 */

import type { ExplainRequest, ReadRequest } from '#domain/api/serving.ts';
import { DEFAULT_NAMESPACE, type Definition, type Kind } from '#domain/definitions/model.ts';
import { featureReference } from '#domain/definitions/names.ts';
import type { AnsweredBy } from '#domain/feature-log/answered-by.ts';
import { KINDS, streamOf } from '#domain/registry/events.ts';
import { upstreamOf } from '#domain/registry/references.ts';
import { newestVersion } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { featureLogMembers } from './feature-log-members.ts';

export interface Resource {
  /** kind/name */
  readonly id: string;
  /** null: nothing of that name is registered */
  readonly namespace: string | null;
  /** whether the caller named the namespace itself: then a refusal may name it too */
  readonly given?: true;
  /** whether the caller wants to register this name */
  readonly wanted?: true;
}

export type ReadTarget = Pick<ReadRequest, 'service' | 'features'>;

export interface Resources {
  readonly one: (kind: Kind, name: string) => readonly Resource[];
  /** of a resource `kind/name`, or the stream of an approval; null where it is not registered */
  readonly namespaceOf: (id: string) => string | null;
  /** the registered names of a kind in namespaces that pass the test */
  readonly names: (kind: string, visible: (namespace: string) => boolean) => readonly string[];
  /** the registered resources of that name, of all kinds */
  readonly named: (name: string) => readonly Resource[];
  /** a view and what it is computed from */
  readonly withSource: (view: string) => readonly Resource[];
  /** the service, the views and the on-demand features whose values a read shows */
  readonly ofRead: (target: ReadTarget) => readonly Resource[];
  /** of the feature that is explained: all that its value is computed from, down to the sources */
  readonly ofExplanation: (
    request: Pick<ExplainRequest, 'view' | 'feature'>,
  ) => readonly Resource[];
  /**
   * what gave the values of a stored answer, each in its present namespace and in the one that the
   * answering version had: a move of a view is no way around either
   */
  readonly ofAnswer: (answeredBy: readonly AnsweredBy[]) => readonly Resource[];
  /**
   * all whose values the feature log of a service can have: of every version of the service, each
   * in every namespace that it has had
   */
  readonly ofFeatureLog: (service: string) => readonly Resource[];
  /** the definition in its present namespace, and in the one that it would have */
  readonly defining: (definition: Definition) => readonly Resource[];
  /** what a definition refers to; @param batch the definitions that are applied with it */
  readonly usedBy: (definition: Definition, batch: readonly Definition[]) => readonly Resource[];
}

const VIEW = streamOf('feature-view', '');
const MAX_CACHED_READS = 1000;
const namespaceIn = (definition: Pick<Definition, 'namespace'>): string =>
  definition.namespace ?? DEFAULT_NAMESPACE;

/** @param ofApproval the namespace of a proposal, or of what a namespace requires; null: no such */
export const createResources = (
  catalog: Catalog,
  ofApproval: (id: string) => string | null = () => null,
): Resources => {
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
  const registered = (kind: Kind, name: string): readonly Resource[] => {
    const definition = newest(kind, name);
    return definition === null
      ? []
      : [{ id: streamOf(kind, name), namespace: namespaceIn(definition) }];
  };
  const one = (kind: Kind, name: string): readonly Resource[] => {
    const found = registered(kind, name);
    return found.length > 0 ? found : [{ id: streamOf(kind, name), namespace: null }];
  };
  const parts = (id: string): readonly [Kind, string] | null => {
    const [kind, name] = [id.slice(0, id.indexOf('/')), id.slice(id.indexOf('/') + 1)];
    return KINDS.includes(kind as Kind) ? [kind as Kind, name] : null;
  };
  const byId = (id: string): readonly Resource[] => {
    const found = parts(id);
    return found === null ? [] : one(...found);
  };
  /** An on-demand feature reveals the values that it is computed from. */
  const onDemand = (name: string, seen: Set<string> = new Set()): readonly Resource[] => {
    const definition = newest('on-demand-feature', name);
    if (seen.has(name)) return [];
    seen.add(name);
    if (definition?.kind !== 'on-demand-feature') return one('on-demand-feature', name);
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
    if (definition?.kind !== 'feature-service') return one('feature-service', name);
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
      : one('feature-view', view);
  };

  return {
    one,
    namespaceOf: (id) => byId(id)[0]?.namespace ?? ofApproval(id),
    names: (kind, visible) =>
      catalog
        .streams()
        .filter((stream) => stream.kind === kind)
        .flatMap(({ name }) =>
          registered(kind as Kind, name).map(({ namespace }) => ({ name, namespace })),
        )
        .filter(({ namespace }) => namespace !== null && visible(namespace))
        .map(({ name }) => name),
    named: (name) => KINDS.flatMap((kind) => registered(kind, name)),
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
    ofAnswer: (answeredBy) =>
      answeredBy.flatMap(({ kind, name, version }) => {
        const then = catalog
          .stream(kind, name)
          ?.state.versions.find((one) => one.version === version)?.definition;
        const id = streamOf(kind, name);
        return [
          ...one(kind, name),
          ...(then === undefined ? [] : [{ id, namespace: namespaceIn(then) }]),
        ];
      }),
    ofFeatureLog: (service) =>
      featureLogMembers(catalog, service).flatMap(([kind, name]) => [
        ...one(kind, name),
        ...(catalog.stream(kind, name)?.state.versions ?? []).map(({ definition }) => ({
          id: streamOf(kind, name),
          namespace: namespaceIn(definition),
        })),
      ]),
    defining(definition) {
      const { kind, name } = definition;
      const present = registered(kind, name).map((one): Resource => ({ ...one, wanted: true }));
      return [
        ...present,
        { id: streamOf(kind, name), namespace: namespaceIn(definition), given: true },
      ];
    },
    usedBy(definition, batch) {
      const applied = new Map(
        batch.map((other) => [streamOf(other.kind, other.name), namespaceIn(other)]),
      );
      return upstreamOf(definition).flatMap((id) => {
        // Both the present namespace and the one that the same apply gives it are needed: a move
        // must not be a way around either.
        const namespace = applied.get(id);
        if (namespace === undefined) return byId(id);
        const found = byId(id).filter((resource) => resource.namespace !== null);
        return [...found, { id, namespace, given: true }];
      });
    },
  };
};
