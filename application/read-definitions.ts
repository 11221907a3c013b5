/** The definitions that reads are planned by, and the versions that a service was planned with. */
import type { FeatureLogVersions } from '#commands/feature-log/encode-answer.ts';
import { scopeOfInputs } from '#domain/definitions/check-on-demand.ts';
import { lookupsOf } from '#domain/registry/references.ts';
import { overlay } from '#domain/registry/registered.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { whyRetired } from '#projections/catalog/retired.ts';
import { versionsNow } from '#projections/feature-log/feature-log-tables.ts';
import type { ReadDefinitions } from '#projections/serving/read-plan.ts';

interface PlannedDefinitions {
  readonly definitions: ReadDefinitions;
  /** the versions that the reads of a service were last planned with; never planned: the newest */
  readonly versions: (service: string) => FeatureLogVersions;
}

export const createReadDefinitions = (catalog: Catalog): PlannedDefinitions => {
  const planned = new Map<string, FeatureLogVersions>();
  return {
    definitions: {
      service(name) {
        planned.set(name, versionsNow(catalog, name));
        return catalog.definition('feature-service', name);
      },
      onDemand: (name) => catalog.definition('on-demand-feature', name),
      retired: (kind, name) => whyRetired(catalog, kind, name),
      scope: (definition) => scopeOfInputs(definition, lookupsOf(overlay(catalog, []))),
    },
    versions: (service) => planned.get(service) ?? versionsNow(catalog, service),
  };
};
