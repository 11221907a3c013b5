/**
 * Erasures of a running platform, as the event store has them: stream `erasure/ID`. They name the
 * entity by its digest, because commits are never changed.
 *
 *     requested ──▶ done, failed
 *
 * One that needs approval has a proposal first, and no stream.
 */
import { type ApprovalNeed, approvalProblem } from '#domain/approval/requirements.ts';
import type { Problem } from '#domain/errors.ts';
import type { RecomputedView } from './certificate.ts';

/** Whom an erasure is about, and where it looks; without the entity. */
export interface ErasurePlan {
  readonly digest: string;
  readonly keyNames: readonly string[];
  /** names of entities, views, services and sources, as kind/name */
  readonly touches: readonly string[];
}

/** How many records or rows a place has. */
export interface FoundIn {
  readonly where: string;
  readonly count: number;
}

export type ErasureEvent =
  | {
      readonly type: 'ErasureRequested';
      readonly data: {
        readonly id: string;
        readonly digest: string;
        readonly keyNames: readonly string[];
        readonly reason: string;
        readonly at: number;
      };
    }
  | {
      readonly type: 'ErasureDone';
      readonly data: {
        readonly id: string;
        /** positions of the log, the history or both, by topic */
        readonly records: Readonly<Record<string, number>>;
        readonly recomputed: readonly RecomputedView[];
        readonly at: number;
      };
    }
  | {
      readonly type: 'ErasureFailed';
      readonly data: {
        readonly id: string;
        readonly code: string;
        readonly message: string;
        readonly at: number;
      };
    };

export interface ErasureRecord {
  readonly id: string;
  readonly digest: string;
  readonly keyNames: readonly string[];
  readonly reason: string;
  readonly at: number;
  readonly state: 'running' | 'done' | 'failed';
  readonly endedAt: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

const STREAM = 'erasure/';
export const erasureStream = (id: string): string => `${STREAM}${id}`;
export const isErasureStream = (stream: string): boolean => stream.startsWith(STREAM);

export const evolveErasure = (
  state: ErasureRecord | null,
  event: ErasureEvent,
): ErasureRecord | null => {
  switch (event.type) {
    case 'ErasureRequested':
      return { ...event.data, state: 'running', endedAt: null, error: null };
    case 'ErasureDone':
      return state === null ? null : { ...state, state: 'done', endedAt: event.data.at };
    case 'ErasureFailed': {
      const { code, message, at } = event.data;
      return state === null
        ? null
        : { ...state, state: 'failed', endedAt: at, error: { code, message } };
    }
  }
};

export type ErasureCommand =
  | {
      readonly type: 'EraseEntity';
      readonly id: string;
      readonly plan: ErasurePlan;
      readonly reason: string;
      /** null: none, or it has been approved */
      readonly need: ApprovalNeed | null;
    }
  | {
      readonly type: 'EndErasure';
      readonly id: string;
      readonly outcome:
        | {
            readonly records: Readonly<Record<string, number>>;
            readonly recomputed: readonly RecomputedView[];
          }
        | { readonly code: string; readonly message: string };
    };

type ErasureDecision =
  | { readonly outcome: 'accepted'; readonly events: readonly ErasureEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

export const decideErasure = (
  state: ErasureRecord | null,
  command: ErasureCommand,
  now: number,
): ErasureDecision => {
  const { id } = command;
  const accept = (...events: readonly ErasureEvent[]): ErasureDecision => ({
    outcome: 'accepted',
    events,
  });
  if (command.type === 'EraseEntity') {
    const { plan, reason, need } = command;
    if (state !== null) return accept();
    if (need !== null) return { outcome: 'refused', problem: approvalProblem(need) };
    const { digest, keyNames } = plan;
    return accept({ type: 'ErasureRequested', data: { id, digest, keyNames, reason, at: now } });
  }
  if (state?.state !== 'running') return accept();
  const { outcome } = command;
  return 'code' in outcome
    ? accept({ type: 'ErasureFailed', data: { id, ...outcome, at: now } })
    : accept({ type: 'ErasureDone', data: { id, ...outcome, at: now } });
};
