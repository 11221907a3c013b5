/**
 * Proposals: requests that wait for a second person. One stream each, `proposal/ID`.
 *
 * A proposal has the request and the plan that a reviewer is shown. An approval is decided on the
 * plan as it is then: if it is not the one that was proposed, no one has reviewed what would
 * happen. Who approves must be another principal than the one who proposed; names do not count,
 * because several keys may have one name.
 *
 *     open ──▶ approved ──▶ done, failed
 *       └────▶ refused
 *
 * A process may end between `approved` and `done`. An approval may then be repeated: it carries the
 * same request out.
 */
import { fail, type Problem } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import type { ProposalPlan, ProposedRequest } from './request.ts';
import type { ProposedMatter } from './requirements.ts';

/** The name that the audit log has, and the id that decides. */
export interface Person {
  readonly actor: string;
  readonly principal: string;
}

export interface ProposalMade {
  readonly id: string;
  readonly matter: ProposedMatter;
  /** those that require the approval */
  readonly namespaces: readonly string[];
  readonly request: ProposedRequest;
  readonly plan: ProposalPlan;
  readonly reason: string | null;
  readonly by: Person;
  readonly at: number;
  /** epoch ms: it cannot be approved any more from then on */
  readonly expiresAt: number;
}

interface Decided {
  readonly id: string;
  readonly by: Person;
  readonly reason: string | null;
  readonly at: number;
}

export type ProposalEvent =
  | { readonly type: 'ProposalMade'; readonly data: ProposalMade }
  | { readonly type: 'ProposalApproved' | 'ProposalRefused'; readonly data: Decided }
  | {
      readonly type: 'ProposalCarriedOut';
      readonly data: { readonly id: string; readonly at: number };
    }
  | {
      readonly type: 'ProposalFailed';
      readonly data: {
        readonly id: string;
        readonly code: string;
        readonly message: string;
        readonly at: number;
      };
    };

export interface ProposalState extends ProposalMade {
  readonly status: 'open' | 'approved' | 'refused' | 'done' | 'failed';
  readonly decided: Omit<Decided, 'id'> | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

const STREAM = 'proposal/';
export const proposalStream = (id: string): string => `${STREAM}${id}`;
export const isProposalStream = (stream: string): boolean => stream.startsWith(STREAM);

export const evolveProposal = (
  state: ProposalState | null,
  event: ProposalEvent,
): ProposalState | null => {
  if (event.type === 'ProposalMade')
    return { ...event.data, status: 'open', decided: null, error: null };
  if (state === null) return null;
  switch (event.type) {
    case 'ProposalApproved':
    case 'ProposalRefused': {
      const { id: _, ...decided } = event.data;
      const status = event.type === 'ProposalApproved' ? 'approved' : 'refused';
      return { ...state, status, decided };
    }
    case 'ProposalCarriedOut':
      return { ...state, status: 'done' };
    case 'ProposalFailed': {
      const { code, message } = event.data;
      return { ...state, status: 'failed', error: { code, message } };
    }
  }
};

export type ProposalStatus = ProposalState['status'] | 'expired';

export const statusAt = ({ status, expiresAt }: ProposalState, now: number): ProposalStatus =>
  (status === 'open' || status === 'approved') && expiresAt <= now ? 'expired' : status;

export type ProposalCommand =
  | { readonly type: 'Propose'; readonly proposal: ProposalMade }
  | {
      readonly type: 'ApproveProposal';
      readonly id: string;
      readonly by: Person;
      readonly reason: string | null;
      /** the plan as it is now; null: there is none any more */
      readonly plan: ProposalPlan | null;
      /** whether who proposed it has lost its key since */
      readonly proposerRevoked: boolean;
    }
  | {
      readonly type: 'RefuseProposal';
      readonly id: string;
      readonly by: Person;
      readonly reason: string | null;
    }
  | { readonly type: 'CompleteProposal'; readonly id: string; readonly problem: Problem | null };

type ProposalDecision =
  | { readonly outcome: 'accepted'; readonly events: readonly ProposalEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

const accept = (...events: readonly ProposalEvent[]): ProposalDecision => ({
  outcome: 'accepted',
  events,
});
const refuse = (code: Problem['code'], message: string): ProposalDecision => ({
  outcome: 'refused',
  problem: { code, message },
});

/** Events that came since the proposal make no other plan of an erasure. */
const withoutCounts = (plan: ProposalPlan | null): ProposalPlan | null =>
  plan?.type === 'erasure' ? { ...plan, found: [] } : plan;

/** Plans are compared as JSON, because the stored one was JSON. */
const samePlan = (a: ProposalPlan, b: ProposalPlan | null): boolean =>
  canonical(JSON.parse(JSON.stringify(withoutCounts(a)))) ===
  canonical(JSON.parse(JSON.stringify(withoutCounts(b))));

const approve = (
  state: ProposalState,
  { id, by, reason, plan, proposerRevoked }: Extract<ProposalCommand, { type: 'ApproveProposal' }>,
  now: number,
): ProposalDecision => {
  if (by.principal === state.by.principal)
    return refuse(
      'MR_FORBIDDEN',
      `proposal ${id} was made by "${by.actor}" (${by.principal}): another principal must approve it`,
    );
  if (proposerRevoked)
    return refuse(
      'MR_REFUSED',
      `proposal ${id} was made with key ${state.by.principal}, which is revoked or expired: propose it again`,
    );
  // What an interrupted approval has changed already makes another plan.
  if (state.status === 'approved') return accept();
  if (!samePlan(state.plan, plan))
    return refuse(
      'MR_PLAN_CHANGED',
      `proposal ${id} would not do any more what was reviewed, because the registry has changed since: refuse it and propose it again`,
    );
  return accept({ type: 'ProposalApproved', data: { id, by, reason, at: now } });
};

/** The answer for an unknown proposal, and for one that the caller may not see. */
export const noProposalProblem = (id: string): Problem => ({
  code: 'MR_NOT_FOUND',
  message: `there is no proposal "${id}": \`millrace approvals list\` lists them`,
});

/** @throws MR_NOT_FOUND */
export const noProposal = (id: string): never => {
  const { code, message } = noProposalProblem(id);
  return fail(code, message, { id });
};

export const decideProposal = (
  state: ProposalState | null,
  command: ProposalCommand,
  now: number,
): ProposalDecision => {
  if (command.type === 'Propose')
    return state === null
      ? accept({ type: 'ProposalMade', data: command.proposal })
      : refuse('MR_REFUSED', `there is a proposal "${command.proposal.id}" already`);
  const { id } = command;
  if (state === null) return { outcome: 'refused', problem: noProposalProblem(id) };
  if (command.type === 'CompleteProposal') {
    if (state.status !== 'approved') return accept();
    const { problem } = command;
    return problem === null
      ? accept({ type: 'ProposalCarriedOut', data: { id, at: now } })
      : accept({
          type: 'ProposalFailed',
          data: { id, code: problem.code, message: problem.message, at: now },
        });
  }
  const status = statusAt(state, now);
  const undecided =
    status === 'open' || (status === 'approved' && command.type !== 'RefuseProposal');
  if (!undecided)
    return refuse(
      'MR_REFUSED',
      status === 'expired'
        ? `proposal ${id} expired at ${new Date(state.expiresAt).toISOString()}: propose it again`
        : `proposal ${id} is ${status} already`,
    );
  if (command.type === 'ApproveProposal') return approve(state, command, now);
  const { by, reason } = command;
  if (reason === null || reason.trim() === '')
    return refuse(
      'MR_REASON_REQUIRED',
      `refusing proposal ${id} needs a reason: who made it reads it`,
    );
  return accept({ type: 'ProposalRefused', data: { id, by, reason, at: now } });
};
