/** The entities of a batch score: all that its views have values of. */
import { fail } from '#domain/errors.ts';
import { decodeKey } from '#domain/plan/entity-key.ts';
import type { EngineGeneration } from '#domain/ports/engine.ts';
import type { Row } from '#domain/values/value.ts';
import type { Pinned } from './pin-target.ts';

export type Computing = (view: string, generation: number) => EngineGeneration | null;

/** Entities of the view whose keys include those of all others. */
export const entitiesOf = async (
  views: Pinned['views'],
  computing: Computing,
): Promise<readonly Row[]> => {
  const stores = await Promise.all(
    views.map(
      ({ view, generation }) =>
        computing(view, generation as number)?.tiles() ??
        fail('MR_NOT_FOUND', `view "${view}" is not computing`),
    ),
  );
  const widest = stores.find((store) =>
    stores.every((other) =>
      other.plan.keys.every(({ name }) => store.plan.keys.some((key) => key.name === name)),
    ),
  );
  if (widest === undefined)
    return fail(
      'MR_ENTITY_INVALID',
      `no entity has the keys of all views (${views.map((v) => v.view).join(', ')}): score each view by itself`,
      {},
    );
  const same = stores.filter((store) => store.plan.keys.length === widest.plan.keys.length);
  const keys = new Set(same.flatMap((store) => store.keys));
  return [...keys].map((key) => ({ ...decodeKey(key, widest.plan.keys) }));
};
