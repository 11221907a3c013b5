/**
 * Feature services. In Millrace a service has each name once and reads each view by its own key;
 * what a projection changes of that gets a note.
 */
import type { FeatureServiceDefinition, ServiceMember } from '#domain/definitions/model.ts';
import { described, type Import, renamed } from './common.ts';
import type { FeastProjection, FeastService } from './model.ts';
import { nameFrom } from './names.ts';
import type { PlannedView } from './views.ts';

/** The parts that a service can have. */
export interface Members {
  readonly planned: readonly PlannedView[];
  /** Feast's view and feature → on-demand feature */
  readonly onDemand: ReadonlyMap<string, string>;
}

const KIND = 'feature service';

/** Feast stores the share as a float: the intended decimal digits. */
const shareOf = (rate: number): number => Math.min(1, Math.max(0, Number(rate.toPrecision(6))));

/** The members of one projection, and the features that could not be imported. */
const membersOf = (
  { featureViewName: view, featureColumns }: FeastProjection,
  { planned, onDemand }: Members,
): { readonly members: ServiceMember[]; readonly missing: readonly string[] } => {
  const of = planned.find((candidate) => candidate.view.name === view);
  const found: string[] = [];
  const members: ServiceMember[] = [];
  const missing: string[] = [];
  for (const { name } of featureColumns) {
    const feature = of?.features.find(({ feast }) => feast === name)?.name;
    const computed = onDemand.get(`${view}:${name}`);
    if (feature !== undefined) found.push(feature);
    else if (computed !== undefined) members.push({ from: 'on-demand', name: computed });
    else missing.push(name);
  }
  if (of !== undefined && found.length > 0)
    members.unshift({ from: 'view', view: of.name, features: found });
  return { members, missing };
};

const importService = (
  service: FeastService,
  from: Members,
  imp: Import,
): FeatureServiceDefinition | null => {
  const { notes } = imp;
  const taken = new Set<string>();
  const all: ServiceMember[] = [];
  for (const projection of service.features) {
    const {
      featureViewName: view,
      featureViewNameAlias: alias,
      joinKeyMap,
      versionTag,
    } = projection;
    const keys = Object.entries(joinKeyMap);
    if (keys.length > 0) {
      const map = keys.map(([key, other]) => `${key} as ${other}`).join(', ');
      notes.lost(
        KIND,
        `${service.name}:${alias || view}`,
        `reads ${view} by another key (${map})`,
        `read ${view} on its own with those keys, or define another entity for it`,
      );
      continue;
    }
    if (alias !== '' && alias !== view)
      notes.changed(
        KIND,
        `${service.name}:${alias}`,
        `the other name of the view is not kept: full names have ${view}`,
        'use that name',
      );
    if (versionTag != null)
      notes.changed(
        KIND,
        `${service.name}:${view}`,
        `is pinned to version ${versionTag} in Feast; versions start again at 1 in Millrace`,
        'pin it with version on the member, if models need it',
      );
    const { members, missing } = membersOf(projection, from);
    for (const name of missing)
      notes.lost(
        KIND,
        `${service.name}:${view}:${name}`,
        'is not in the service: the feature has no counterpart',
        'see the note on it',
      );
    for (const member of members) {
      const names = member.from === 'view' ? member.features : [member.name];
      const fresh: string[] = [];
      for (const name of names) {
        if (!taken.has(name)) fresh.push(name);
        else
          notes.lost(
            KIND,
            `${service.name}:${view}:${name}`,
            'is the second feature of this name in the service',
            'read it with a list of features, or rename it in one view',
          );
        taken.add(name);
      }
      if (fresh.length > 0)
        all.push(member.from === 'view' ? { ...member, features: fresh } : member);
    }
  }
  if (all.length === 0) {
    notes.lost(
      KIND,
      service.name,
      'none of its features has a counterpart',
      'see the notes on them',
    );
    return null;
  }
  const name = renamed(imp, 'service', KIND, service.name, nameFrom(service.name));
  const logging = service.loggingConfig && { sample: shareOf(service.loggingConfig.sampleRate) };
  if (logging !== null)
    notes.changed(
      KIND,
      service.name,
      'its answers are logged to the log and the history',
      'docs/guides/feature-logging.md',
    );
  return {
    kind: 'feature-service',
    name,
    features: all,
    ...(logging && { logging }),
    ...described(service),
  };
};

export const importServices = (
  services: readonly FeastService[],
  from: Members,
  imp: Import,
): FeatureServiceDefinition[] =>
  services.flatMap((service) => importService(service, from, imp) ?? []);
