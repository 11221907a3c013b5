/** The caller of a request. */
import type { Principal } from '#domain/authorization/principal.ts';
import type { TraceContext } from '#domain/ports/tracing.ts';

/** What records of the caller's acts have: its name, which several principals may share, and id. */
export const recordedCaller = ({
  actor,
  principal,
}: Caller): { readonly actor: string; readonly principal?: string } =>
  principal === undefined ? { actor } : { actor, principal: principal.id };

export interface Caller {
  readonly actor: string;
  /**
   * of the request, as in its answer's headers and in every log line about it; absent: it has none
   */
  readonly requestId?: string;
  /**
   * identity and grants; absent: not authenticated. Only application/authorization reads the
   * grants.
   */
  readonly principal?: Principal;
  /**
   * id of the proposal that is carried out for this caller, who made it: a second person has
   * approved it. Only application/approvals sets it, and an erasure for its own replays.
   */
  readonly approval?: string;
  /** the span of the request; absent: it is not traced */
  readonly trace?: TraceContext;
}
