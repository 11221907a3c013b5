/**
 * The columns of each service's feature log, and the versions that answer now, from the catalog.
 */
import type {
  FeatureServiceDefinition,
  OnDemandFeatureDefinition,
} from '#domain/definitions/model.ts';
import type {
  FeatureLogColumns,
  FeatureLogOnDemand,
  NamedType,
} from '#domain/feature-log/feature-log-record.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { fieldType, parseFieldType } from '#domain/values/field-type.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

interface LoggedService {
  readonly columns: FeatureLogColumns;
  /** the share of requests that is logged; null: logged in the past, and no longer */
  readonly sample: number | null;
}

const newestOnDemand = (
  catalog: Catalog,
  name: string,
): { readonly version: number; readonly definition: OnDemandFeatureDefinition } | null => {
  const found = catalog.stream('on-demand-feature', name)?.state.versions.at(-1);
  return found === undefined
    ? null
    : { version: found.version, definition: found.definition as OnDemandFeatureDefinition };
};

/**
 * The plan of the newest version of a view (or of the pinned one) that has the feature; null where
 * none has it, or cannot be planned.
 */
const planWith = (
  catalog: Catalog,
  view: string,
  feature: string,
  version?: number,
): ViewPlan | null => {
  const versions = catalog.stream('feature-view', view)?.state.versions ?? [];
  for (const { version: number } of versions.toReversed()) {
    if (version !== undefined && number !== version) continue;
    try {
      const plan = catalog.plan(view, number);
      if (plan.features.some(({ name }) => name === feature)) return plan;
    } catch {
      // The source was changed by force and does not fit this version. An older one may fit.
    }
  }
  return null;
};

/** The columns of all versions, so no column disappears from the table. */
const columnsOf = (
  catalog: Catalog,
  versions: readonly FeatureServiceDefinition[],
): FeatureLogColumns => {
  const keys = new Map<string, NamedType>();
  const request = new Map<string, NamedType>();
  const features = new Map<string, NamedType>();
  const seen = new Set<string>();
  const addView = (view: string, feature: string, version?: number): NamedType | null => {
    const plan = planWith(catalog, view, feature, version);
    const found = plan?.features.find(({ name }) => name === feature);
    for (const { name, type } of plan?.keys ?? []) keys.set(name, { name, type });
    return found === undefined ? null : { name: feature, type: found.type };
  };
  const addInputs = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    // Rows of earlier versions have the request inputs of those versions.
    for (const { definition } of catalog.stream('on-demand-feature', name)?.state.versions ?? [])
      for (const input of Object.values((definition as OnDemandFeatureDefinition).inputs)) {
        if (input.from === 'feature') addView(input.view, input.feature);
        else if (input.from === 'on-demand') addInputs(input.name);
        else request.set(input.name, { name: input.name, type: parseFieldType(input.type) });
      }
  };
  for (const member of versions.flatMap((version) => version.features)) {
    if (member.from === 'on-demand') {
      const found = newestOnDemand(catalog, member.name);
      addInputs(member.name);
      if (found !== null)
        features.set(member.name, {
          name: member.name,
          type: fieldType(found.definition.type, true),
        });
      continue;
    }
    for (const feature of member.features) {
      const found = addView(member.view, feature, member.version);
      if (found !== null) features.set(feature, found);
    }
  }
  return {
    service: versions[0]?.name ?? '',
    keys: [...keys.values()],
    request: [...request.values()],
    features: [...features.values()],
  };
};

/** The services that are logged, or once were. */
export const loggedServices = (catalog: Catalog): readonly LoggedService[] =>
  catalog.streams('feature-service').flatMap(({ state }): LoggedService[] => {
    const versions = state.versions.map(({ definition }) => definition as FeatureServiceDefinition);
    if (state.status === 'retired' || !versions.some(({ logging }) => logging !== undefined))
      return [];
    return [
      { columns: columnsOf(catalog, versions), sample: versions.at(-1)?.logging?.sample ?? null },
    ];
  });

/** The newest versions of a service and its on-demand features: a read planned now uses these. */
export const versionsNow = (
  catalog: Catalog,
  service: string,
): { readonly version: number; readonly onDemand: readonly FeatureLogOnDemand[] } => {
  const found = catalog.stream('feature-service', service)?.state.versions.at(-1);
  const onDemand = new Map<string, number>();
  const add = (name: string): void => {
    const one = newestOnDemand(catalog, name);
    if (one === null || onDemand.has(name)) return;
    onDemand.set(name, one.version);
    for (const input of Object.values(one.definition.inputs))
      if (input.from === 'on-demand') add(input.name);
  };
  for (const member of (found?.definition as FeatureServiceDefinition | undefined)?.features ?? [])
    if (member.from === 'on-demand') add(member.name);
  return {
    version: found?.version ?? 0,
    onDemand: [...onDemand].map(([name, version]) => ({ name, version })),
  };
};
