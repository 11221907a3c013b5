/** Replays, as the fake platform does it. */
import type { Replays } from '#domain/api/replays.ts';
import { replay, TIME } from './samples.ts';
import type { FakeState } from './state.ts';

export const fakeReplays = ({ log }: FakeState): Replays => {
  return {
    async start(request, caller) {
      log('startReplay', request, caller);
      return replay('r1', 'ready');
    },
    async list() {
      return [replay('r1', 'ready')];
    },
    async get(id) {
      return replay(id, 'ready');
    },
    async compare(id) {
      return {
        id,
        view: 'airport_delays',
        live: { version: 1, generation: 1, entities: 2 },
        candidate: { version: 1, generation: 2, entities: 2 },
        at: TIME,
        features: [
          {
            name: 'departures',
            compared: 2,
            differing: 1,
            largest: 3,
            examples: [{ entity: { origin: 'ATL' }, live: 1, candidate: 4 }],
          },
        ],
        onlyLive: [],
        onlyCandidate: [],
      };
    },
    async change(id, action, options, caller) {
      log('changeReplay', id, action, options, caller);
      const states = {
        promote: 'promoted',
        rollback: 'rolled-back',
        abandon: 'abandoned',
        retire: 'retired',
      } as const;
      return replay(id, states[action]);
    },
  };
};
