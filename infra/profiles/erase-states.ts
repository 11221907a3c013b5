/** Takes an entity out of the saved states of its views. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
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
import { openSnapshots, type Snapshots } from '#infra/embedded-engine/snapshots.ts';
import { type StatePlace, stateFile, statesIn } from '#infra/embedded-engine/state-files.ts';

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

type Done = 'rewritten' | 'dropped' | null;

const eraseFrom = async (
  { view, generation }: StatePlace,
  snapshots: Snapshots,
  { definitions, scope, endOf }: StatesOptions,
): Promise<Done> => {
  const drop = (): Done => {
    snapshots.drop(view, generation);
    return 'dropped';
  };
  const saved = await snapshots.load(view, generation, endOf(view));
  if (saved === null) return drop();
  const { inOnePiece, nextOffset } = saved;
  if (inOnePiece === null)
    return (await snapshots.erase(view, generation, scope.keys)) ? 'rewritten' : null;
  const [store] = plansOf(definitions, view)
    .map((plan) => snapshotWithout(plan, inOnePiece, scope.keys))
    .filter((result) => result !== 'misfit');
  if (store === undefined) return drop();
  if (store === null) return null;
  await snapshots.save(view, generation, { store, nextOffset, isCurrent: () => true });
  return 'rewritten';
};

/**
 * A state is written anew without the entity, so that what else it knows is not lost: the
 * watermark, and updates that were trimmed. One that cannot be read is dropped, and built again at
 * the start.
 */
export const eraseFromStates = async (
  options: StatesOptions,
): Promise<Readonly<Record<string, 'rewritten' | 'dropped'>>> => {
  const { directory, platform, scope } = options;
  if (!existsSync(directory)) return {};
  // It also deletes unfinished files.
  const snapshots = openSnapshots({ directory, platform, warn: () => {} });
  const done: Record<string, 'rewritten' | 'dropped'> = {};
  for (const place of statesIn(directory)) {
    if (!scope.views.includes(place.view)) continue;
    const how = await eraseFrom(place, snapshots, options);
    if (how !== null) done[basename(stateFile(place))] = how;
  }
  return done;
};
