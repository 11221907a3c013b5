/** What needs a second person, and approving, refusing and carrying out what was proposed. */
import type { CommandBus } from '#commands/command-bus.ts';
import type { Approvals, Proposal, ProposalSummary } from '#domain/api/approvals.ts';
import type { Caller } from '#domain/api/caller.ts';
import type { MayBreak, Registry } from '#domain/api/registry.ts';
import {
  decideProposal,
  noProposal,
  type ProposalCommand,
  type ProposalEvent,
  type ProposalState,
  proposalStream,
  statusAt,
} from '#domain/approval/proposal.ts';
import {
  type ApprovalSetting,
  decideRequirement,
  evolveRequirement,
  NO_SETTING,
  type Requirement,
  type RequirementEvent,
  requirementOf,
  requirementStream,
} from '#domain/approval/requirements.ts';
import { parseGrant } from '#domain/authorization/grants.ts';
import { MillraceError, type Problem } from '#domain/errors.ts';
import type { ApprovalIndex } from '#projections/approvals/approval-index.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { KeyIndex } from '#projections/keys/key-index.ts';
import type { ProposedErasures } from '../erasures/erasures.ts';
import { planOf } from './plan-of.ts';
import { type Proposals, personOf, proposalOf } from './proposals.ts';

export interface ApprovalsDependencies {
  readonly bus: Pick<CommandBus, 'decideOn' | 'key'>;
  readonly catalog: Catalog;
  readonly index: ApprovalIndex;
  readonly keys: Pick<KeyIndex, 'key'>;
  readonly proposals: Proposals;
  readonly registry: Pick<Registry, 'apply' | 'command'>;
  readonly erasures: ProposedErasures;
  readonly now: () => number;
}

const summaryOf = (state: ProposalState, now: number): ProposalSummary => {
  const { id, matter, namespaces, reason, by, at, expiresAt, decided, error } = state;
  const status = statusAt(state, now);
  return { id, matter, namespaces, status, reason, by, at, expiresAt, decided, error };
};

const infoOf = (state: ProposalState, now: number): Proposal => {
  const { request, plan } = state;
  const shown = request.type === 'key' ? { type: request.type, key: request.key } : request;
  return { ...summaryOf(state, now), request: shown, plan };
};

/** The request is carried out for who proposed it; the rights were checked of both. */
const proposer = ({ id, by }: ProposalState): Caller => ({
  actor: by.actor,
  principal: { id: by.principal, actor: by.actor, grants: [], limits: {} },
  approval: id,
});

const isExpectedRefusal = (error: unknown): error is MillraceError =>
  error instanceof MillraceError && error.status < 500;

export const createApprovals = ({
  bus,
  catalog,
  index,
  keys,
  proposals,
  registry,
  erasures,
  now,
}: ApprovalsDependencies): Approvals => {
  const stored = (id: string): ProposalState => index.proposal(id) ?? noProposal(id);

  /** A refusal by `commandOf` is stored like one of the decision. */
  const decide = <C extends ProposalCommand>(
    id: string,
    type: C['type'],
    { caller, reason }: { readonly caller: Caller; readonly reason?: string | undefined },
    commandOf: (state: ProposalState | null, time: number) => C,
  ): Promise<void> =>
    bus.decideOn<ProposalEvent>(
      {
        stream: proposalStream(id),
        command: { type, data: { id } },
        reason,
        decide(events, time) {
          const state = proposalOf(events);
          try {
            return decideProposal(state, commandOf(state, time), time);
          } catch (error) {
            if (isExpectedRefusal(error)) return { outcome: 'refused', problem: error };
            throw error;
          }
        },
      },
      caller,
    );

  /** Of a key only: tokens are not known here, and end by themselves. */
  const isRevoked = (principal: string, time: number): boolean => {
    const key = keys.key(principal.slice(principal.indexOf('/') + 1));
    if (!principal.startsWith('access-key/') || key === null) return false;
    return key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= time);
  };

  const setRequirement = (
    requirement: Requirement,
    reason: string | undefined,
    caller: Caller,
  ): Promise<void> =>
    bus.decideOn<RequirementEvent>(
      {
        stream: requirementStream(requirement.namespace),
        command: { type: 'RequireApproval', data: requirement },
        reason,
        decide: (events, time) =>
          decideRequirement(
            events.reduce(evolveRequirement, NO_SETTING),
            requirement,
            caller.approval !== undefined,
            time,
          ),
      },
      caller,
    );

  const settingOf = (namespace: string): ApprovalSetting =>
    index.requirements().get(namespace) ?? NO_SETTING;

  const carryOut = async (state: ProposalState, mayBreak: MayBreak | undefined): Promise<void> => {
    const { request, reason } = state;
    const [caller, consent] = [proposer(state), mayBreak === undefined ? {} : { mayBreak }];
    switch (request.type) {
      case 'apply':
        await registry.apply(request.definitions, { ...request.options, ...consent }, caller);
        return;
      case 'command':
        await registry.command({ ...request.command, ...consent }, caller);
        return;
      case 'key': {
        const { grants, replaced, ...key } = request.key;
        const replaces = replaced === undefined ? {} : { replaces: replaced.id };
        await bus.key(
          {
            type: 'CreateKey',
            hash: request.hash,
            grants: grants.map(parseGrant),
            ...key,
            ...replaces,
          },
          { caller, reason: reason ?? undefined },
        );
        return;
      }
      case 'requirement':
        await setRequirement(request.requirement, reason ?? undefined, caller);
        return;
      case 'erasure':
        await erasures.begin(request.erasure, caller);
    }
  };

  const complete = async (id: string, problem: Problem | null): Promise<void> =>
    decide(id, 'CompleteProposal', { caller: { actor: 'millrace' } }, () => ({
      type: 'CompleteProposal',
      id,
      problem,
    }));

  return {
    list: async () => ({
      requirements: [...index.requirements()]
        .map(([namespace, setting]) => ({ namespace, ...setting }))
        .filter((one) => one.for.length > 0)
        .sort((a, b) => (a.namespace < b.namespace ? -1 : 1)),
      proposals: index.proposals().map((state) => summaryOf(state, now())),
    }),
    get: async (id) => infoOf(stored(id), now()),
    async require(request, caller) {
      personOf(caller, 'require approval');
      const requirement = requirementOf(request);
      const { reason } = request;
      await proposals.orPropose(
        () => setRequirement(requirement, reason, caller),
        () => ({ type: 'requirement', requirement }),
        { caller, reason },
      );
      return { namespace: requirement.namespace, ...settingOf(requirement.namespace) };
    },
    async approve(id, { reason, mayBreak }, caller) {
      const by = personOf(caller, 'approve a proposal');
      /** What cannot be planned any more is not what was reviewed. */
      const planNow = (state: ProposalState | null): ReturnType<typeof planOf> | null => {
        if (state === null) return null;
        const context = {
          catalog,
          requirements: index.requirements(),
          mayBreak,
          erasurePlan: erasures.plan,
        };
        try {
          return planOf(context, state.request);
        } catch (error) {
          if (isExpectedRefusal(error) && error.code !== 'MR_FORBIDDEN') return null;
          throw error;
        }
      };
      await decide(id, 'ApproveProposal', { caller, reason }, (state, time) => ({
        type: 'ApproveProposal',
        id,
        by,
        reason: reason ?? null,
        plan: planNow(state),
        proposerRevoked: state !== null && isRevoked(state.by.principal, time),
      }));
      let problem: MillraceError | null = null;
      try {
        await carryOut(stored(id), mayBreak);
      } catch (error) {
        // An outage is no answer to the proposal: the approval can be repeated.
        if (!isExpectedRefusal(error)) throw error;
        problem = error;
      }
      await complete(id, problem);
      if (problem !== null) throw problem;
      return infoOf(stored(id), now());
    },
    async refuse(id, { reason }, caller) {
      const by = personOf(caller, 'refuse a proposal');
      await decide(id, 'RefuseProposal', { caller, reason }, () => ({
        type: 'RefuseProposal',
        id,
        by,
        reason: reason ?? null,
      }));
      erasures.forgetRefused();
      return infoOf(stored(id), now());
    },
  };
};
