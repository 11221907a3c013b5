/**
 * How a logged answer was computed: the definitions of the versions that it names, as the plan of a
 * training set, and which of its views is which view of the answer. A view that a service pins in
 * one version and an on-demand feature reads in another is two views here.
 */
import type {
  EntityDefinition,
  FeatureServiceDefinition,
  FeatureViewDefinition,
  Kind,
  OnDemandFeatureDefinition,
  ServiceMember,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import type { FeatureLogOnDemand, ServedViewOf } from '#domain/feature-log/feature-log-record.ts';
import {
  planTrainingSet,
  type TrainingSetPlan,
  type ViewDefinitions,
} from '#domain/training-sets/training-set-plan.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

type AnsweringView = Pick<ServedViewOf, 'view' | 'version' | 'generation'>;

export interface FeatureLogPlan {
  readonly plan: TrainingSetPlan;
  /** name in the plan → which of the answer's views it is */
  readonly answeredBy: ReadonlyMap<string, number>;
}

const versionOf = <T>(catalog: Catalog, kind: Kind, name: string, version?: number): T => {
  const versions = catalog.stream(kind, name)?.state.versions ?? [];
  const found =
    version === undefined ? versions.at(-1) : versions.find((one) => one.version === version);
  if (found !== undefined) return found.definition as T;
  return fail(
    'MR_NOT_FOUND',
    `there is no ${kind} "${name}"${version === undefined ? '' : ` of version ${version}`}`,
  );
};

const definitionsOf = (
  catalog: Catalog,
  { view: name, version }: AnsweringView,
  alias: string,
): ViewDefinitions => {
  const view = versionOf<FeatureViewDefinition>(catalog, 'feature-view', name, version);
  return {
    view: { ...view, name: alias },
    source: versionOf<SourceDefinition>(catalog, 'source', view.source),
    entity: versionOf<EntityDefinition>(catalog, 'entity', view.entity),
  };
};

/**
 * @param onDemand versions of the on-demand features: those that the answer names, or older ones
 * @throws where a version does not exist or cannot be planned
 */
export const featureLogPlan = (
  catalog: Catalog,
  {
    serviceVersion,
    views,
  }: { readonly serviceVersion: number; readonly views: readonly AnsweringView[] },
  service: string,
  onDemand: readonly FeatureLogOnDemand[],
): FeatureLogPlan => {
  const { features: members } = versionOf<FeatureServiceDefinition>(
    catalog,
    'feature-service',
    service,
    serviceVersion,
  );
  const answeredBy = new Map<string, number>();
  /** The view in the version that a member pins, or else in the one that the answer names. */
  const aliasOf = (view: string, version: number | undefined): string => {
    const of = views.filter((one) => one.view === view);
    const pinned = members.find(
      (member) => member.from === 'view' && member.view === view && member.version !== undefined,
    ) as (ServiceMember & { from: 'view' }) | undefined;
    const mine =
      version !== undefined
        ? of.find((one) => one.version === version)
        : (of.find((one) => one.version !== pinned?.version) ?? of.at(-1));
    if (mine === undefined)
      return fail('MR_NOT_FOUND', `the answer does not say which version of "${view}" it is from`);
    const alias =
      of.length > 1 && version === undefined && pinned !== undefined ? `${view}@live` : view;
    answeredBy.set(alias, views.indexOf(mine));
    return alias;
  };
  const aliased = members.map(
    (member): ServiceMember =>
      member.from === 'view' ? { ...member, view: aliasOf(member.view, member.version) } : member,
  );
  const formulas = onDemand.map(({ name, version }): OnDemandFeatureDefinition => {
    const definition = versionOf<OnDemandFeatureDefinition>(
      catalog,
      'on-demand-feature',
      name,
      version,
    );
    const inputs = Object.entries(definition.inputs).map(([parameter, input]) => [
      parameter,
      input.from === 'feature' ? { ...input, view: aliasOf(input.view, undefined) } : input,
    ]);
    return { ...definition, inputs: Object.fromEntries(inputs) };
  });
  const definitions = [...answeredBy].map(([alias, index]) =>
    definitionsOf(catalog, views[index] as AnsweringView, alias),
  );
  return {
    plan: planTrainingSet({ members: aliased, views: definitions, onDemand: formulas }),
    answeredBy,
  };
};
