/** What a decision needs and what it gives. */
import type { ErrorCode, Problem } from '#domain/errors.ts';
import type { Change } from './change.ts';
import type { RegistryEvent } from './events.ts';

/** Facts that are not in the stream's state. */
export interface DecisionContext {
  /** epoch ms */
  readonly now: number;
  /** for a definition to register or to restore: its problems */
  readonly problems: readonly Problem[];
  /** for a revision: what changes, and the cost */
  readonly change: Change | null;
  /**
   * for a revision: what it breaks and the caller may not break, as kind/name: definitions of
   * namespaces where the caller is no author
   */
  readonly unconsented: readonly string[];
  /** for a feature view to register: the hash of its plan */
  readonly planHash: string | null;
  /**
   * for a feature view: the hash of a registered version's plan, made now as `planHash` is; null:
   * there is no such version, or it does not fit its source any more
   */
  readonly planHashOf: (version: number) => string | null;
  /**
   * for a retirement: definitions that are not retired and refer to this definition, or to the
   * version of this generation; as kind/name
   */
  readonly dependents: readonly string[];
  /**
   * for a generation that is to be computed, or to go on after a retirement: the deleted events
   * that it needs; null: none
   */
  readonly lacking: Problem | null;
  /** for a replay: whether the engine can recompute a part of a view; absent: it can */
  readonly partialReplays?: boolean;
}

export type Decision =
  | { readonly outcome: 'accepted'; readonly events: readonly RegistryEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

export const accept = (...events: readonly RegistryEvent[]): Decision => ({
  outcome: 'accepted',
  events,
});
export const refuse = (
  code: ErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): Decision => ({
  outcome: 'refused',
  problem: { code, message, details },
});

/**
 * A forced change breaks what others own only if they agree: the caller must be an author there.
 * @param broken as kind/name; at least one
 */
export const unconsentedProblem = (what: string, broken: readonly string[]): Problem => ({
  code: 'MR_FORBIDDEN',
  message: `${what}: it would break ${broken.join(', ')}, and this caller is no author of ${broken.length === 1 ? 'its namespace' : 'their namespaces'}: keep what ${broken.length === 1 ? 'it reads' : 'they read'}, or let somebody with the role author in all of these namespaces force the change`,
  details: { broken },
});

/** @param dependents as kind/name; at least one */
export const stillUsedProblem = (what: string, dependents: readonly string[]): Problem => ({
  code: 'MR_REFUSED',
  message: `${what} is used by ${dependents.join(', ')}: revise or retire ${dependents.length === 1 ? 'that' : 'those'} first`,
  details: { dependents },
});

export const stillUsed = (what: string, dependents: readonly string[]): Decision => ({
  outcome: 'refused',
  problem: stillUsedProblem(what, dependents),
});
