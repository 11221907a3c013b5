/** Audit, keys and operations, as the fake platform does it. */
import type { Audit } from '#domain/api/audit.ts';
import type { KeyInfo, Keys } from '#domain/api/keys.ts';
import type { Operations } from '#domain/api/operations.ts';
import { fail } from '#domain/errors.ts';
import { replay, TIME } from './samples.ts';
import type { FakeState } from './state.ts';

export const fakeAudit = ({ log }: FakeState): Audit => {
  return {
    async log(query) {
      log('auditLog', query);
      const record = {
        sequence: 1,
        time: TIME,
        actor: 'ann',
        command: 'RegisterEntity',
        subject: 'entity/airport',
        reason: 'first',
        outcome: 'accepted' as const,
        refusal: null,
        events: [{ type: 'EntityRegistered', data: {} }],
        hash: 'aa',
        previous: '',
      };
      return { records: [record], next: null };
    },
    head: async () => ({ sequence: 1, hash: 'aa' }),
    publicKey: async () => null,
    async verify() {
      return { ok: true, records: 1, head: 'aa' };
    },
  };
};

export const fakeKeys = (): Keys => {
  const keys: KeyInfo[] = [];
  return {
    async create({ name, grants, limits = {} }, { actor: createdBy }) {
      const times = { createdAt: TIME, expiresAt: null, revokedAt: null, revokedBy: null };
      const key = { id: `${keys.length}`, name, grants, limits, createdBy, ...times };
      keys.push(key);
      return { ...key, key: `mr_${key.id}_secret` };
    },
    async list() {
      return keys;
    },
    async revoke(id) {
      return (
        keys.find((key) => key.id === id) ?? fail('MR_NOT_FOUND', `there is no key "${id}"`, { id })
      );
    },
  };
};

export const fakeOperations = ({ fake, position }: FakeState): Operations => {
  return {
    async late(view) {
      return {
        view,
        total: 1,
        records: [
          {
            position: 'raw.flights@0:9',
            logTime: TIME,
            eventTime: TIME - 9e8,
            lateBy: 5000,
            generation: 1,
            entity: { origin: 'ATL' },
          },
        ],
      };
    },
    async status() {
      return {
        profile: 'embedded',
        version: '0.1.0',
        startedAt: TIME,
        dataDirectory: '/data',
        memoryBytes: 1e8,
        sources: [
          {
            source: 'flights',
            events: fake.taken.length,
            rejected: 0,
            position: position(),
            historyPosition: position(),
            historyError: null,
            newestEventTime: TIME,
            historyBytes: 1000,
            historyRows: 10,
            historyHorizon: null,
          },
        ],
        views: [
          {
            view: 'airport_delays',
            version: 1,
            generation: 1,
            state: 'live',
            readable: true,
            entities: 1,
            tiles: 1,
            late: 0,
            eventTime: TIME,
            position: position(),
            lag: 0,
            error: null,
          },
        ],
        replays: [replay('r1', 'ready')],
      };
    },
    async freshness() {
      return [
        {
          view: 'airport_delays',
          generation: 1,
          eventTime: TIME,
          lagMs: 5,
          target: '1m',
          fresh: true,
        },
      ];
    },
    async metrics() {
      return '# HELP up\nup 1\n';
    },
    degraded: () => fake.modes,
    ready() {
      return fake.isReady;
    },
  };
};
