/**
 * Makes a proposal of a request that needs approval. The areas try a request first; so what is
 * proposed is known to be valid, and allowed to who proposes it.
 */
import { randomBytes } from 'node:crypto';
import type { CommandBus } from '#commands/command-bus.ts';
import type { Caller } from '#domain/api/caller.ts';
import {
  decideProposal,
  evolveProposal,
  type Person,
  type ProposalEvent,
  type ProposalMade,
  type ProposalState,
  proposalStream,
  statusAt,
} from '#domain/approval/proposal.ts';
import type { ProposalPlan, ProposedRequest } from '#domain/approval/request.ts';
import { type ApprovalNeed, validityOf } from '#domain/approval/requirements.ts';
import { OPEN } from '#domain/authorization/principal.ts';
import { fail, hasCode, type MillraceError } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import type { ApprovalIndex } from '#projections/approvals/approval-index.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { planOf } from './plan-of.ts';

interface ProposalsDependencies {
  readonly bus: Pick<CommandBus, 'decideOn'>;
  readonly catalog: Catalog;
  readonly index: ApprovalIndex;
  readonly now: () => number;
}

/** What a proposal is made of, beside the request. */
export interface Proposing {
  readonly caller: Caller;
  readonly reason?: string | undefined;
  /** what only this answer has, in the details of MR_APPROVAL_REQUIRED */
  readonly details?: Readonly<Record<string, unknown>>;
  /** absent: it is planned on the registry */
  readonly plan?: ProposalPlan;
}

export interface Proposals {
  /**
   * Runs the request; one that needs approval becomes a proposal.
   * @throws MR_APPROVAL_REQUIRED with the proposal's id
   */
  readonly orPropose: <T>(
    run: () => Promise<T>,
    request: () => ProposedRequest,
    proposing: Proposing,
  ) => Promise<T>;
}

/** What one principal can have waiting: each is kept with its definitions. */
const MAX_OPEN = 100;
const ID_BYTES = 6;

export const proposalOf = (events: readonly ProposalEvent[]): ProposalState | null =>
  events.reduce(evolveProposal, null as ProposalState | null);

/**
 * While callers are not authenticated they are all one principal, so there is no second person.
 * @throws MR_REFUSED
 */
export const personOf = ({ actor, principal }: Caller, wants: string): Person =>
  principal === undefined || principal.id === OPEN.id
    ? fail(
        'MR_REFUSED',
        `to ${wants}, callers must be authenticated, so that one person can be told from another: create keys first, and send one`,
      )
    : { actor, principal: principal.id };

export const createProposals = ({ bus, catalog, index, now }: ProposalsDependencies): Proposals => {
  const answer = (
    { id, expiresAt }: Pick<ProposalMade, 'id' | 'expiresAt'>,
    message: string,
    details: Readonly<Record<string, unknown>>,
  ): never =>
    fail(
      'MR_APPROVAL_REQUIRED',
      `${message}: proposed as ${id}; until ${new Date(expiresAt).toISOString()}, somebody else with the same rights can approve it with \`millrace approvals approve ${id}\``,
      { ...details, proposal: id, expiresAt },
    );

  const propose = async (
    request: ProposedRequest,
    { message, details }: MillraceError,
    { caller, reason, details: more = {}, plan }: Proposing,
  ): Promise<never> => {
    const by = personOf(caller, 'propose what needs approval');
    const time = now();
    const waiting = index
      .proposals()
      .filter((one) => one.by.principal === by.principal && statusAt(one, time) === 'open');
    const wanted = JSON.parse(JSON.stringify(request)) as ProposedRequest;
    const same = waiting.find((one) => canonical(one.request) === canonical(wanted));
    if (same !== undefined) return answer(same, message, { ...details, ...more });
    if (waiting.length >= MAX_OPEN)
      fail(
        'MR_REFUSED',
        `"${by.actor}" has ${waiting.length} proposals that wait for approval: refuse some first`,
      );
    const { matter, namespaces } = details as unknown as ApprovalNeed;
    const id = randomBytes(ID_BYTES).toString('hex');
    const proposal: ProposalMade = {
      id,
      matter,
      namespaces,
      request: wanted,
      plan: plan ?? planOf({ catalog, requirements: index.requirements() }, wanted),
      reason: reason ?? null,
      by,
      at: time,
      expiresAt: time + validityOf(index.requirements(), namespaces),
    };
    await bus.decideOn<ProposalEvent>(
      {
        stream: proposalStream(id),
        command: { type: 'Propose', data: { id, matter, namespaces } },
        reason,
        decide: (events, at) =>
          decideProposal(proposalOf(events), { type: 'Propose', proposal }, at),
      },
      caller,
    );
    return answer(proposal, message, { ...details, ...more });
  };

  return {
    async orPropose(run, request, proposing) {
      try {
        return await run();
      } catch (error) {
        if (hasCode(error, 'MR_APPROVAL_REQUIRED')) return propose(request(), error, proposing);
        throw error;
      }
    },
  };
};
