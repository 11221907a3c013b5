/** Which generation answers for a view: one rule for every engine. */
import type { WantedView } from '#domain/ports/engine.ts';

/**
 * The number of the live generation, or of the newest promoted one of `version` where that is
 * given; `filling`: none is promoted yet; null: no such view or version.
 */
export const answeringGeneration = (
  view: WantedView | undefined,
  version?: number,
): number | 'filling' | null => {
  if (view === undefined) return null;
  const promoted = view.generations.filter((g) => g.state === 'live' || g.state === 'standby');
  const live = promoted.find((g) => g.state === 'live');
  const chosen =
    version === undefined || live?.spec.version === version
      ? live
      : promoted.filter((g) => g.spec.version === version).at(-1);
  if (chosen !== undefined) return chosen.spec.generation;
  return version === undefined || view.generations.some((g) => g.spec.version === version)
    ? 'filling'
    : null;
};

/** Whether none of its generations was promoted: the first that is filled becomes live. */
export const isFirstFill = ({ generations }: WantedView): boolean =>
  !generations.some((g) => g.state === 'live' || g.state === 'standby');
