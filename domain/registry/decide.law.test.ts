/**
 * For any sequence of commands: replayed events give the state, versions never change, at most one
 * generation is live, and some command is always accepted.
 */
import fc from 'fast-check';
import { count, entity, featureView, source } from 'millrace';
import { expect, test } from 'vitest';
import { answeredAt, answeredTimes } from './answered-times.ts';
import type { RegistryCommand } from './commands.ts';
import { decide } from './decide.ts';
import type { DecisionContext } from './decision.ts';
import type { RegistryEvent } from './events.ts';
import { evolve, initialState, type RegistryState } from './state.ts';

/** null: none was live */
const liveAt = (state: RegistryState, time: number): number | null =>
  answeredAt(answeredTimes(state, { generation: 0, version: 0 }), time).generation || null;

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const view = (days: number, owner: string) =>
  featureView({
    name: 'v',
    entity: shop,
    source: sales,
    owner,
    features: { n: count({ window: `${days as 1}d` }) },
  });

const WAITING: ReadonlySet<string> = new Set(['filling', 'ready']);
const startReplay: RegistryCommand = {
  type: 'StartReplay',
  view: 'v',
  range: { from: null, to: null, keys: null },
  reason: null,
  actor: 'x',
};
const facts: DecisionContext = {
  now: 0,
  problems: [],
  change: null,
  planHash: null,
  planHashOf: () => null,
  unconsented: [],
  dependents: [],
  lacking: null,
};

const generation = fc.integer({ min: 1, max: 5 });
const command: fc.Arbitrary<{ readonly command: RegistryCommand; readonly hash: string }> =
  fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('a', 'b')).map(([days, owner]) => ({
      hash: `h${days}`,
      command: {
        type: 'Register',
        definition: view(days, owner),
        force: false,
        reason: null,
      } as const,
    })),
    fc.constant({ hash: '', command: startReplay }),
    fc
      .tuple(
        fc.constantFrom(
          'PromoteReplay' as const,
          'RollbackReplay' as const,
          'AbandonReplay' as const,
          'RetireReplay' as const,
        ),
        generation,
      )
      .map(([type, g]) => ({
        hash: '',
        command: { type, view: 'v', generation: g } as const,
      })),
    generation.map((g) => ({
      hash: '',
      command: { type: 'SystemGenerationFilled', view: 'v', generation: g } as const,
    })),
    generation.map((g) => ({
      hash: '',
      command: { type: 'SystemGenerationFailed', view: 'v', generation: g, error: 'e' } as const,
    })),
    fc
      .constantFrom('Deprecate' as const, 'Restore' as const, 'Retire' as const)
      .map((type) => ({ hash: '', command: { type, kind: 'feature-view', name: 'v' } as const })),
  );

test('any sequence of commands', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      let state: RegistryState = initialState;
      const log: RegistryEvent[] = [];
      commands.forEach(({ command: c, hash }, i) => {
        const before = state;
        const decision = decide(state, c, {
          ...facts,
          now: i,
          planHash: hash,
          planHashOf: (version) => before.versions[version - 1]?.planHash ?? null,
        });
        if (decision.outcome === 'refused') {
          expect(decision.problem.message.length).toBeGreaterThan(10);
          return;
        }
        for (const event of decision.events) state = evolve(state, event);
        log.push(...decision.events);
        expect(state.versions.slice(0, before.versions.length)).toEqual(before.versions);
        expect(state.versions.map((v) => v.version)).toEqual(state.versions.map((_, n) => n + 1));
        expect(state.generations.filter((g) => g.state === 'live').length).toBeLessThanOrEqual(1);
        if (c.type === 'RollbackReplay') {
          const now = state.generations.find((g) => g.state === 'live');
          expect(before.generations.find((g) => g.generation === now?.generation)).toMatchObject({
            state: 'standby',
            rolledBack: false,
          });
        }
        const isLive = state.generations.find((g) => g.state === 'live') ?? null;
        expect(liveAt(state, i)).toBe(isLive?.generation ?? null);
        expect(state.timeline.slice(0, before.timeline.length)).toEqual(before.timeline);
        const stuck =
          state.status !== 'retired' &&
          isLive === null &&
          !state.generations.some((g) => WAITING.has(g.state));
        if (stuck && state.versions.length > 0)
          expect(decide(state, startReplay, facts)).toMatchObject({ outcome: 'accepted' });
        if (before.generations.some((g) => g.state === 'live'))
          expect(state.generations.some((g) => g.state === 'live')).toBe(true);
        expect(state.generations.map((g) => g.generation)).toEqual(
          state.generations.map((_, n) => n + 1),
        );
      });
      expect(log.reduce(evolve, initialState)).toEqual(state);
    }),
    { numRuns: 300 },
  );
});
