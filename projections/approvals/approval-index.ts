/**
 * What needs approval, and the proposals. A read model of the registry's commits, which the catalog
 * passes on as it reads them, so both are at the same position.
 */
import {
  evolveProposal,
  isProposalStream,
  type ProposalEvent,
  type ProposalState,
} from '#domain/approval/proposal.ts';
import {
  type ApprovalSetting,
  evolveRequirement,
  isRequirementStream,
  NO_SETTING,
  type RequirementEvent,
  type Requirements,
} from '#domain/approval/requirements.ts';
import { DEFAULT_NAMESPACE } from '#domain/definitions/model.ts';
import type { Commit } from '#domain/ports/event-store.ts';

export interface ApprovalIndex {
  /** To be called with every commit, in order. */
  readonly take: (commit: Commit) => void;
  readonly requirements: () => Requirements;
  /** of a stream of approvals, if all that it shows is in one namespace; null: it is not */
  readonly namespaceOf: (stream: string) => string | null;
  readonly proposal: (id: string) => ProposalState | null;
  /** newest first */
  readonly proposals: () => readonly ProposalState[];
}

/** The only namespace that a proposal names; null: several, or it is a key or an erasure. */
const onlyNamespace = ({ matter, namespaces, request }: ProposalState): string | null => {
  if (matter === 'grants' || matter === 'erasures') return null;
  const named =
    request.type === 'apply'
      ? request.definitions.map(({ namespace }) => namespace ?? DEFAULT_NAMESPACE)
      : [];
  const [first, ...others] = new Set([...namespaces, ...named]);
  return first === undefined || others.length > 0 ? null : first;
};

export const createApprovalIndex = (): ApprovalIndex => {
  const requirements = new Map<string, ApprovalSetting>();
  const proposals = new Map<string, ProposalState>();
  return {
    take({ stream, events }) {
      if (events.length === 0) return;
      const name = stream.slice(stream.indexOf('/') + 1);
      if (isRequirementStream(stream))
        requirements.set(
          name,
          (events as readonly RequirementEvent[]).reduce(
            evolveRequirement,
            requirements.get(name) ?? NO_SETTING,
          ),
        );
      if (!isProposalStream(stream)) return;
      const state = (events as readonly ProposalEvent[]).reduce(
        evolveProposal,
        proposals.get(name) ?? null,
      );
      if (state !== null) proposals.set(name, state);
    },
    requirements: () => requirements,
    namespaceOf(stream) {
      const name = stream.slice(stream.indexOf('/') + 1);
      if (isRequirementStream(stream)) return name;
      const proposal = isProposalStream(stream) ? proposals.get(name) : undefined;
      return proposal === undefined ? null : onlyNamespace(proposal);
    },
    proposal: (id) => proposals.get(id) ?? null,
    proposals: () => [...proposals.values()].reverse(),
  };
};
