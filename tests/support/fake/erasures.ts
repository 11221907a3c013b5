/** Erasures, as the fake platform does them. */
import type { ErasureStatus, Erasures } from '#domain/api/erasures.ts';
import { fail } from '#domain/errors.ts';
import { TIME } from './samples.ts';
import type { FakeState } from './state.ts';

const RUNNING: ErasureStatus = {
  id: 'ab12-1',
  state: 'running',
  digest: 'ab12',
  keyNames: ['airport'],
  entity: { airport: 'JFK' },
  reason: 'request 77',
  at: TIME,
  endedAt: null,
  error: null,
};

export const fakeErasures = ({ log }: FakeState): Erasures => ({
  async request(request) {
    log('erase', request);
    return RUNNING;
  },
  list: async () => [RUNNING],
  get: async (id) =>
    id === RUNNING.id ? RUNNING : fail('MR_NOT_FOUND', `there is no erasure "${id}"`, { id }),
  certificate: async (id) => fail('MR_REFUSED', `erasure ${id} is running`, { id }),
});
