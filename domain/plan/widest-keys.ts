/** The entities of several views together: those of the views whose keys include all others'. */
import { fail } from '#domain/errors.ts';
import type { ViewPlan } from './plan.ts';

interface Planned {
  readonly plan: ViewPlan;
}

/**
 * `same`: those whose entities have just these keys
 * @throws MR_ENTITY_INVALID where no view has the keys of all
 */
export const widestOf = <T extends Planned>(
  views: readonly T[],
): { readonly keys: ViewPlan['keys']; readonly same: readonly T[] } => {
  const widest = views.find(({ plan: { keys } }) =>
    views.every(({ plan }) => plan.keys.every(({ name }) => keys.some((key) => key.name === name))),
  );
  if (widest === undefined)
    return fail(
      'MR_ENTITY_INVALID',
      `no entity has the keys of all views (${views.map(({ plan }) => plan.view).join(', ')}): take each view by itself`,
      {},
    );
  const { keys } = widest.plan;
  return { keys, same: views.filter(({ plan }) => plan.keys.length === keys.length) };
};
