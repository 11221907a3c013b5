/**
 * Authorization of approvals. Who approves a proposal, or refuses one of others, needs what its
 * request needs; so does who sees it, except who proposed it, and auditors of all
 * that it touches.
 */
import type { Approvals, Proposal } from '#domain/api/approvals.ts';
import type { Caller } from '#domain/api/caller.ts';
import { noProposal } from '#domain/approval/proposal.ts';
import { EVERYWHERE, may } from '#domain/authorization/grants.ts';
import { PLATFORM } from './authorizer.ts';
import type { Checks } from './checks.ts';
import { commandNeeds, type Need } from './command-needs.ts';
import { hideIn, visibleTo } from './hide.ts';
import { mayBreakOf } from './registry.ts';
import type { Resources } from './resources.ts';

const namespaceOf = (grant: string): string => grant.slice(grant.indexOf('@') + 1);

/** What the request of a proposal needs, wherever it would act. */
const needsOf = (resources: Resources, { request, plan }: Proposal): readonly Need[] => {
  switch (request.type) {
    case 'apply': {
      const { definitions } = request;
      const retired = plan.type === 'changes' ? plan.changes : [];
      return [
        ...definitions.flatMap((definition): readonly Need[] => [
          { action: 'define', resources: resources.defining(definition) },
          { action: 'use', resources: resources.usedBy(definition, definitions) },
        ]),
        ...retired
          .filter(({ action }) => action === 'retire')
          .map(
            ({ kind, name }): Need => ({ action: 'define', resources: resources.one(kind, name) }),
          ),
      ];
    }
    case 'command':
      return commandNeeds(resources, request.command);
    case 'key': {
      const { replaced, ...key } = request.key;
      const touched = [key, ...(replaced === undefined ? [] : [replaced])].flatMap(
        ({ id, grants }) =>
          grants.map((grant) => ({ id: `access-key/${id}`, namespace: namespaceOf(grant) })),
      );
      return [{ action: 'keys', resources: touched }];
    }
    case 'requirement': {
      const { namespace } = request.requirement;
      return [
        { action: 'protect', resources: [{ id: `approval-setting/${namespace}`, namespace }] },
      ];
    }
    case 'erasure':
      return [{ action: 'erase', resources: PLATFORM }];
  }
};

export const authorizeApprovals = (
  approvals: Approvals,
  { authorize, visibleNamespaces, resources }: Checks,
): Approvals => {
  const hasRights = (caller: Caller | undefined, needs: readonly Need[]): boolean =>
    needs.every(({ action, resources: touched }) =>
      touched.every(({ namespace }) =>
        may(caller?.principal?.grants ?? [], action, namespace ?? EVERYWHERE),
      ),
    );
  const proposed = (caller: Caller | undefined, { by }: Pick<Proposal, 'by'>): boolean =>
    caller?.principal !== undefined && caller.principal.id === by.principal;
  const maySee = (caller: Caller | undefined, proposal: Proposal): boolean => {
    if (proposed(caller, proposal)) return true;
    const needs = needsOf(resources, proposal);
    const audited = needs.map((need): Need => ({ ...need, action: 'audit' }));
    return hasRights(caller, needs) || hasRights(caller, audited);
  };
  const shown = <T>(caller: Caller | undefined, value: T): T =>
    hideIn(value, visibleTo(caller, resources.namespaceOf));

  const visible = async (caller: Caller | undefined, id: string): Promise<Proposal> => {
    authorize(caller, 'approvals', []);
    const proposal = await approvals.get(id, caller);
    return maySee(caller, proposal) ? proposal : noProposal(id);
  };
  const authorizeDecision = (caller: Caller, proposal: Proposal): void => {
    for (const { action, resources: touched } of needsOf(resources, proposal))
      authorize(caller, action, touched);
  };

  return {
    async list(caller) {
      const seen = visibleNamespaces(caller, 'approvals');
      const { requirements, proposals } = await approvals.list(caller);
      const mine = await Promise.all(
        proposals.map(async (one) => maySee(caller, await approvals.get(one.id, caller))),
      );
      return shown(caller, {
        requirements: requirements.filter(({ namespace }) =>
          namespace === EVERYWHERE ? true : seen(namespace),
        ),
        proposals: proposals.filter((_, i) => mine[i]),
      });
    },
    get: async (id, caller) => shown(caller, await visible(caller, id)),
    async require(request, caller) {
      const { namespace } = request;
      authorize(caller, 'protect', [
        { id: `approval-setting/${namespace}`, namespace, given: true },
      ]);
      return approvals.require(request, caller);
    },
    async approve(id, options, caller) {
      authorizeDecision(caller, await visible(caller, id));
      return shown(
        caller,
        await approvals.approve(
          id,
          { ...options, mayBreak: mayBreakOf(resources, caller) },
          caller,
        ),
      );
    },
    async refuse(id, options, caller) {
      const proposal = await visible(caller, id);
      if (!proposed(caller, proposal)) authorizeDecision(caller, proposal);
      return shown(caller, await approvals.refuse(id, options, caller));
    },
  };
};
