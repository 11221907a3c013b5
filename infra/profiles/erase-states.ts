/** Takes an entity out of the saved states of its views. */
import { existsSync, readdirSync } from 'node:fs';
import type {
  Definition,
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { snapshotWithout } from '#domain/encoding/snapshot-without.ts';
import type { ErasureScope } from '#domain/erasure/scope.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { openSnapshots } from '#infra/embedded-engine/snapshots.ts';

/** Every plan that a view ever had, by the versions of its definition, source and entity. */
const plansOf = (definitions: readonly Definition[], view: string): readonly ViewPlan[] => {
  const named = <T extends Definition>(kind: T['kind'], name: string): readonly T[] =>
    definitions.filter((one): one is T => one.kind === kind && one.name === name);
  const plans = new Map<string, ViewPlan>();
  for (const one of named<FeatureViewDefinition>('feature-view', view))
    for (const source of named<SourceDefinition>('source', one.source))
      for (const entity of named<EntityDefinition>('entity', one.entity))
        try {
          const plan = planView(one, source, entity);
          plans.set(plan.hash, plan);
        } catch {
          // a combination of versions that never was
        }
  return [...plans.values()];
};

interface StatesOptions {
  readonly directory: string;
  readonly platform: string;
  readonly definitions: readonly Definition[];
  readonly scope: ErasureScope;
  /** view → the log's next offset of features.<view> */
  readonly endOf: (view: string) => number;
}

/**
 * A state is written anew without the entity, so that what else it knows is not lost: the
 * watermark, and updates that were trimmed. One that cannot be read is dropped, and built again at
 * the start.
 */
export const eraseFromStates = ({
  directory,
  platform,
  definitions,
  scope,
  endOf,
}: StatesOptions): Readonly<Record<string, 'rewritten' | 'dropped'>> => {
  if (!existsSync(directory)) return {};
  // It also deletes unfinished files.
  const snapshots = openSnapshots({ directory, platform, warn: () => {} });
  const done: Record<string, 'rewritten' | 'dropped'> = {};
  for (const file of readdirSync(directory).sort()) {
    const [, view = '', generation = ''] = /^(.+)\.(\d+)\.state$/.exec(file) ?? [];
    if (!scope.views.includes(view)) continue;
    const saved = snapshots.load(view, Number(generation), endOf(view));
    const results =
      saved === null
        ? []
        : plansOf(definitions, view)
            .map((plan) => snapshotWithout(plan, saved.state, scope.keys))
            .filter((result) => result !== 'misfit');
    const [state] = results;
    if (state === null) continue;
    if (saved === null || state === undefined) {
      snapshots.drop(view, Number(generation));
      done[file] = 'dropped';
    } else {
      snapshots.save(view, Number(generation), { nextOffset: saved.nextOffset, state });
      done[file] = 'rewritten';
    }
  }
  return done;
};
