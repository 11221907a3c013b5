/**
 * What can be requested of approvals. Times are epoch ms; refusals are thrown as MillraceError. A
 * request of another area that needs approval is proposed, and answered with MR_APPROVAL_REQUIRED,
 * whose `details.proposal` is the proposal's id.
 */
import type { Person, ProposalStatus } from '#domain/approval/proposal.ts';
import type { ProposalPlan, ProposedRequest } from '#domain/approval/request.ts';
import type { ProposedMatter, Requirement } from '#domain/approval/requirements.ts';
import type { Caller } from './caller.ts';
import type { Consent } from './registry.ts';

export interface ProposalSummary {
  readonly id: string;
  readonly matter: ProposedMatter;
  /** those that require the approval */
  readonly namespaces: readonly string[];
  readonly status: ProposalStatus;
  readonly reason: string | null;
  readonly by: Person;
  readonly at: number;
  readonly expiresAt: number;
  /** who approved or refused it; null: no one yet */
  readonly decided: {
    readonly by: Person;
    readonly reason: string | null;
    readonly at: number;
  } | null;
  /** of an approved one that could not be carried out */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The request without the hash of a key. */
type ShownRequest =
  | Exclude<ProposedRequest, { readonly type: 'key' }>
  | Omit<Extract<ProposedRequest, { readonly type: 'key' }>, 'hash'>;

export interface Proposal extends ProposalSummary {
  readonly request: ShownRequest;
  readonly plan: ProposalPlan;
}

export interface ApprovalList {
  readonly requirements: readonly Requirement[];
  /** newest first */
  readonly proposals: readonly ProposalSummary[];
}

export interface RequirementRequest {
  readonly namespace: string;
  /** all that shall need approval there; empty: nothing */
  readonly for: readonly string[];
  /** how long a proposal can be approved, ms; absent: as it is, which is 7 days at first */
  readonly validMs?: number;
  readonly reason?: string;
}

/** What needs a second person, and what waits for one. */
export interface Approvals {
  list(caller?: Caller): Promise<ApprovalList>;
  get(id: string, caller?: Caller): Promise<Proposal>;
  require(request: RequirementRequest, caller: Caller): Promise<Requirement>;
  /** Approves it and carries it out. */
  approve(
    id: string,
    options: { readonly reason?: string } & Consent,
    caller: Caller,
  ): Promise<Proposal>;
  refuse(id: string, options: { readonly reason?: string }, caller: Caller): Promise<Proposal>;
}
