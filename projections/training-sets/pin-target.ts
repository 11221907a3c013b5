/**
 * What a training set consists of at the time of its request: the members, and of each view the
 * version and generation that serving reads.
 */

import type { DatasetRequest } from '#domain/api/datasets.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
  ServiceMember,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import type { ServingViews } from '#domain/ports/served-view.ts';
import type {
  TrainingSetTarget,
  ViewDefinitions,
} from '#domain/training-sets/training-set-plan.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { whyRetired } from '#projections/catalog/retired.ts';

/** A view, and the generation that answers for it now. */
export interface PinnedView {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  /** the version that a service pins */
  readonly pinned?: number;
}

export interface Pinned {
  readonly target: TrainingSetTarget;
  readonly views: readonly PinnedView[];
  readonly definitionsOf: (view: string, version: number) => ViewDefinitions;
}

export interface Pins {
  readonly pin: (target: DatasetRequest['target']) => Pinned;
}

export const createPins = (catalog: Catalog, manager: ServingViews): Pins => {
  const definitionsOf = (name: string, version: number): ViewDefinitions => {
    const view = catalog.definition('feature-view', name, version) as FeatureViewDefinition;
    return {
      view,
      source: catalog.definition('source', view.source) as SourceDefinition,
      entity: catalog.definition('entity', view.entity) as EntityDefinition,
    };
  };

  /** The version that serving reads, so that training and serving use the same. */
  const served = (
    name: string,
    version: number | undefined,
  ): { readonly version: number; readonly generation: number } => {
    const live = manager.live(name, version);
    if (live === null)
      return fail(
        'MR_NOT_FOUND',
        whyRetired(catalog, 'feature-view', name) ??
          `there is no feature view "${name}"${version === undefined ? '' : ` version ${version}`}`,
        {
          view: name,
        },
      );
    if (live === 'filling')
      return fail(
        'MR_VIEW_NOT_READY',
        `the first generation of view "${name}" is still being filled`,
        { view: name },
      );
    return live;
  };

  const onDemandOf = (names: readonly string[]): readonly OnDemandFeatureDefinition[] => {
    const found = new Map<string, OnDemandFeatureDefinition>();
    const add = (name: string): void => {
      if (found.has(name)) return;
      const definition =
        catalog.definition('on-demand-feature', name) ??
        fail(
          'MR_NOT_FOUND',
          whyRetired(catalog, 'on-demand-feature', name) ??
            `there is no on-demand feature "${name}"`,
          { feature: name },
        );
      found.set(name, definition);
      for (const input of Object.values(definition.inputs))
        if (input.from === 'on-demand') add(input.name);
    };
    names.forEach(add);
    return [...found.values()];
  };

  const membersOf = (target: DatasetRequest['target']): readonly ServiceMember[] => {
    if ('service' in target) {
      const service = catalog.definition('feature-service', target.service);
      return (
        service?.features ??
        fail(
          'MR_NOT_FOUND',
          whyRetired(catalog, 'feature-service', target.service) ??
            `there is no feature service "${target.service}"`,
          { service: target.service },
        )
      );
    }
    const { version } = served(target.view, undefined);
    return [
      {
        from: 'view',
        view: target.view,
        features: Object.keys(definitionsOf(target.view, version).view.features),
      },
    ];
  };

  const pin = (target: DatasetRequest['target']): Pinned => {
    const members = membersOf(target);
    const onDemand = onDemandOf(
      members.flatMap((member) => (member.from === 'on-demand' ? [member.name] : [])),
    );
    const pinnedVersion = new Map(
      members.flatMap((member) =>
        member.from === 'view' ? [[member.view, member.version] as const] : [],
      ),
    );
    const names = new Set([
      ...pinnedVersion.keys(),
      ...onDemand.flatMap((definition) =>
        Object.values(definition.inputs).flatMap((input) =>
          input.from === 'feature' ? [input.view] : [],
        ),
      ),
    ]);
    const views = [...names].map((view): PinnedView => {
      const pinned = pinnedVersion.get(view);
      const { version, generation } = served(view, pinned);
      return { view, version, generation, ...(pinned === undefined ? {} : { pinned }) };
    });
    return {
      target: {
        members,
        onDemand,
        views: views.map(({ view, version }) => definitionsOf(view, version)),
      },
      views,
      definitionsOf,
    };
  };

  return { pin };
};
