/** Approvals and erasures: each needs the other, because an erasure can need approval. */
import type { Approvals } from '#domain/api/approvals.ts';
import type { Erasures } from '#domain/api/erasures.ts';
import { createErasures, type ErasuresDependencies } from '../erasures/erasures.ts';
import { type ApprovalsDependencies, createApprovals } from './approvals.ts';

type Dependencies = Omit<ApprovalsDependencies, 'index' | 'erasures'> &
  Omit<ErasuresDependencies, 'index' | 'approvals'> & {
    readonly indexes: {
      readonly approvals: ApprovalsDependencies['index'];
      readonly erasures: ErasuresDependencies['index'];
    };
  };

export const createApprovalAreas = async ({
  indexes,
  ...given
}: Dependencies): Promise<{ readonly approvals: Approvals; readonly erasures: Erasures }> => {
  const { erasures, proposed } = await createErasures({
    ...given,
    index: indexes.erasures,
    approvals: indexes.approvals,
  });
  return {
    erasures,
    approvals: createApprovals({ ...given, index: indexes.approvals, erasures: proposed }),
  };
};
