/** What answers in a service's feature log were computed from, in any version of the service. */
import type {
  FeatureServiceDefinition,
  Kind,
  OnDemandFeatureDefinition,
} from '#domain/definitions/model.ts';
import { streamOf } from '#domain/registry/events.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

type Member = readonly [kind: Kind, name: string];

/** The service, and every view and on-demand feature that a version of it reads. */
export const featureLogMembers = (
  catalog: Pick<Catalog, 'stream'>,
  service: string,
): readonly Member[] => {
  const found = new Map<string, Member>();
  const add = (kind: Kind, name: string): void => {
    const id = streamOf(kind, name);
    if (found.has(id)) return;
    found.set(id, [kind, name]);
    if (kind !== 'on-demand-feature') return;
    for (const { definition } of catalog.stream(kind, name)?.state.versions ?? [])
      for (const input of Object.values((definition as OnDemandFeatureDefinition).inputs)) {
        if (input.from === 'feature') add('feature-view', input.view);
        else if (input.from === 'on-demand') add(kind, input.name);
      }
  };
  add('feature-service', service);
  for (const { definition } of catalog.stream('feature-service', service)?.state.versions ?? [])
    for (const member of (definition as FeatureServiceDefinition).features)
      if (member.from === 'view') add('feature-view', member.view);
      else add('on-demand-feature', member.name);
  return [...found.values()];
};
