/** What a platform cannot do, which the registry alone does not say. */
import type { Definition, FeatureViewDefinition } from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import type { ReplayRange } from './events.ts';

/**
 * Why a view cannot be computed anew, of some days or entities or as a whole; null: it can.
 * @param batch definitions that count as registered; absent: none
 */
type LacksEvents = (
  view: FeatureViewDefinition,
  range: ReplayRange | null,
  batch?: readonly Definition[],
) => Problem | null;

/** Why this platform cannot do what a definition says; null: it can. */
type Unsupported = (definition: Definition) => Problem | null;

export interface PlatformLimits {
  readonly lacksEvents: LacksEvents;
  readonly unsupported: Unsupported;
  /** whether its engine can recompute a part of a view; absent: it can */
  readonly partialReplays?: boolean | undefined;
}

export const NO_LIMITS: PlatformLimits = { lacksEvents: () => null, unsupported: () => null };
