/** Approvals, as the fake platform does it. */
import type { Approvals, Proposal } from '#domain/api/approvals.ts';
import { fail } from '#domain/errors.ts';
import { TIME } from './samples.ts';
import type { FakeState } from './state.ts';

const OPEN: Proposal = {
  id: 'p1',
  matter: 'promotions',
  namespaces: ['flights'],
  status: 'open',
  reason: 'as expected',
  by: { actor: 'ann', principal: 'access-key/a' },
  at: TIME,
  expiresAt: TIME + 1,
  decided: null,
  error: null,
  request: {
    type: 'command',
    command: { type: 'PromoteReplay', data: { view: 'airport_delays', generation: 2 } },
  },
  plan: {
    type: 'promotion',
    view: 'airport_delays',
    generation: 2,
    version: 2,
    live: { generation: 1, version: 1 },
  },
};

export const fakeApprovals = ({ log }: FakeState): Approvals => {
  const known = (id: string): Proposal =>
    id === OPEN.id ? OPEN : fail('MR_NOT_FOUND', `there is no proposal "${id}"`, { id });
  const decided = (
    id: string,
    status: 'done' | 'refused',
    reason: string | undefined,
  ): Proposal => ({
    ...known(id),
    status,
    decided: {
      by: { actor: 'bob', principal: 'access-key/b' },
      reason: reason ?? null,
      at: TIME,
    },
  });
  return {
    async list() {
      const { request: _, plan: __, ...summary } = OPEN;
      return {
        requirements: [{ namespace: 'flights', for: ['breaking', 'promotions'] }],
        proposals: [summary],
      };
    },
    get: async (id) => known(id),
    async require(request) {
      log('require', request);
      if (request.for.length === 0)
        fail('MR_APPROVAL_REQUIRED', 'proposed as p1', { proposal: 'p1' });
      return { namespace: request.namespace, for: request.for as ['breaking'] };
    },
    approve: async (id, { reason }) => decided(id, 'done', reason),
    refuse: async (id, { reason }) => decided(id, 'refused', reason),
  };
};
