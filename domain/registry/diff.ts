/**
 * What a revision changes, field by field, and the cost: nothing, a new version (compatible), a
 * replay, or a broken reader (breaking).
 */

import type { ChangeCost } from '#domain/api/registry.ts';
import type {
  Definition,
  FeatureServiceDefinition,
  OnDemandFeatureDefinition,
} from '#domain/definitions/model.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { widens } from '#domain/values/field-type.ts';
import { type Change, type Draft, note, type Readers, same } from './change.ts';
import { diffSource } from './diff-source.ts';
import { diffView } from './diff-view.ts';

const RANK: Readonly<Record<ChangeCost, number>> = {
  none: 0,
  compatible: 1,
  replay: 2,
  breaking: 3,
};
const highestCost = (costs: readonly ChangeCost[]): ChangeCost =>
  costs.reduce<ChangeCost>((a, b) => (RANK[b] > RANK[a] ? b : a), 'none');

const METADATA = [
  'namespace',
  'owner',
  'description',
  'tags',
  'freshness',
  'ephemeral',
  'logging',
] as const;
const diffService = (
  before: FeatureServiceDefinition,
  after: FeatureServiceDefinition,
  draft: Draft,
): void => {
  const list = (service: FeatureServiceDefinition): string[] =>
    service.features.flatMap((member) =>
      member.from === 'on-demand'
        ? [member.name]
        : member.features.map((feature) => `${member.view}:${feature}`),
    );
  const [old, now] = [list(before), list(after)];
  const gone = old.filter((feature) => !now.includes(feature));
  const added = now.some((feature) => !old.includes(feature));
  if (same(old, now))
    note(
      draft,
      'features',
      before.features,
      after.features,
      'compatible',
      'the service reads other versions',
    );
  else if (gone.length > 0)
    note(
      draft,
      'features',
      old,
      now,
      'breaking',
      `its models would no longer get ${gone.join(', ')}`,
    );
  else if (added) note(draft, 'features', old, now, 'compatible', 'its models get more features');
  else
    note(
      draft,
      'features',
      old,
      now,
      'compatible',
      'its models get their features in another order',
    );
};

const diffOnDemand = (
  before: OnDemandFeatureDefinition,
  after: OnDemandFeatureDefinition,
  readers: Readers,
  draft: Draft,
): void => {
  const used = readers.ofOnDemand(before.name);
  if (before.type !== after.type) {
    const breaks = used.length > 0 && !widens(before.type, after.type);
    note(
      draft,
      'type',
      before.type,
      after.type,
      breaks ? 'breaking' : 'compatible',
      breaks ? `its type changes, but ${used.join(', ')} read it` : undefined,
      used,
    );
  }
  const requests = (definition: OnDemandFeatureDefinition): string[] =>
    Object.values(definition.inputs).flatMap((input) =>
      input.from === 'request' ? [`${input.name}: ${input.type}`] : [],
    );
  const asked = requests(after).filter((request) => !requests(before).includes(request));
  if (!same(before.inputs, after.inputs)) {
    note(
      draft,
      'inputs',
      before.inputs,
      after.inputs,
      asked.length > 0 && used.length > 0 ? 'breaking' : 'compatible',
      asked.length > 0 ? `requests must give ${asked.join(', ')} too` : undefined,
      used,
    );
  }
  if (!same(before.value, after.value))
    note(
      draft,
      'value',
      before.value,
      after.value,
      'compatible',
      'it is computed differently from the next read on; it has no stored values',
    );
};

export const diffDefinitions = (
  before: Definition,
  after: Definition,
  readers: Readers,
): Change => {
  const draft: Draft = { fields: [], notes: [], breaks: [], broken: [], final: [] };
  for (const path of METADATA) {
    const [old, now] = [
      (before as unknown as Record<string, unknown>)[path],
      (after as unknown as Record<string, unknown>)[path],
    ];
    if (!same(old, now)) note(draft, path, old, now, 'compatible');
  }
  if (before.kind === 'feature-view' && after.kind === 'feature-view')
    diffView(before, after, readers, draft);
  else if (before.kind === 'feature-service' && after.kind === 'feature-service') {
    if (!same(before.features, after.features)) diffService(before, after, draft);
  } else if (before.kind === 'on-demand-feature' && after.kind === 'on-demand-feature')
    diffOnDemand(before, after, readers, draft);
  else if (before.kind === 'entity' && after.kind === 'entity') {
    if (canonical(Object.entries(before.keys)) !== canonical(Object.entries(after.keys))) {
      const used = readers.ofEntity(before.name);
      const text = `its keys change, and entities are found by them in ${used.join(', ')}`;
      if (used.length > 0) {
        note(draft, 'keys', before.keys, after.keys, 'breaking', text, used);
        draft.final.push(text);
      } else note(draft, 'keys', before.keys, after.keys, 'compatible');
    }
  } else if (before.kind === 'source' && after.kind === 'source') {
    diffSource(before, after, readers, draft);
  }
  return { cost: highestCost(draft.fields.map((f) => f.cost)), ...draft };
};
