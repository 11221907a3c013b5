/**
 * What operators can request of generations. Times are epoch ms; refusals are thrown as
 * MillraceError.
 */
import { fail } from '#domain/errors.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';
import type { Caller } from './caller.ts';

export interface ReplayRequest {
  readonly view: string;
  readonly from?: number;
  readonly to?: number;
  readonly reason?: string;
  /** only these entities are recomputed */
  readonly entities?: readonly EntityKey[];
}

export type ReplayState =
  | 'filling'
  | 'ready'
  | 'promoted'
  | 'rolled-back'
  | 'abandoned'
  | 'retired'
  | 'failed';

export interface ReplayStatus {
  readonly id: string;
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  readonly state: ReplayState;
  readonly from: number | null;
  readonly to: number | null;
  readonly reason: string | null;
  readonly actor: string;
  /** 0 to 1 */
  readonly progress: number;
  readonly events: number;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly error: string | null;
}

export interface ReplayComparison {
  readonly id: string;
  readonly view: string;
  readonly live: {
    readonly version: number;
    readonly generation: number;
    readonly entities: number;
  } | null;
  readonly candidate: {
    readonly version: number;
    readonly generation: number;
    readonly entities: number;
  };
  readonly at: number;
  readonly features: readonly {
    readonly name: string;
    readonly compared: number;
    readonly differing: number;
    /** largest |a − b|, of numbers */
    readonly largest: number | null;
    readonly examples: readonly {
      readonly entity: EntityKey;
      readonly live: Value;
      readonly candidate: Value;
    }[];
  }[];
  readonly onlyLive: readonly string[];
  readonly onlyCandidate: readonly string[];
}

export type ReplayAction = 'promote' | 'rollback' | 'abandon' | 'retire';

/** @throws MR_NOT_FOUND */
export const noReplay = (id: string): never =>
  fail(
    'MR_NOT_FOUND',
    `there is no replay "${id}": \`millrace replay list\` lists replays, and \`VIEW@GENERATION\` names a generation that was made without one`,
    { id },
  );

/** New generations of a view, filled while the live one serves. */
export interface Replays {
  start(request: ReplayRequest, caller: Caller): Promise<ReplayStatus>;
  list(caller?: Caller): Promise<readonly ReplayStatus[]>;
  get(id: string, caller?: Caller): Promise<ReplayStatus>;
  compare(id: string, caller?: Caller): Promise<ReplayComparison>;
  change(
    id: string,
    action: ReplayAction,
    options: { readonly reason?: string },
    caller: Caller,
  ): Promise<ReplayStatus>;
}
