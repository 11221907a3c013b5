/** Whatever commands come: events replayed give the state, versions never change, and at most one generation is live. */
import fc from 'fast-check';
import { count, entity, featureView, source } from 'millrace';
import { expect, test } from 'vitest';
import type { RegistryCommand } from './commands.ts';
import { decide } from './decide.ts';
import type { RegistryEvent } from './events.ts';
import { evolve, initialState, type RegistryState } from './state.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({ name: 'sales', fields: { shop: 'string', at: 'timestamp' }, eventTime: 'at' });
const view = (days: number, owner: string) =>
  featureView({ name: 'v', entity: shop, source: sales, owner, features: { n: count({ window: `${days as 1}d` }) } });

const generation = fc.integer({ min: 1, max: 5 });
const command: fc.Arbitrary<{ readonly command: RegistryCommand; readonly hash: string }> = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('a', 'b')).map(([days, owner]) => ({
    hash: `h${days}`,
    command: { type: 'Register', definition: view(days, owner), force: false, reason: null } as const,
  })),
  fc.constant({
    hash: '',
    command: { type: 'StartReplay', view: 'v', range: { from: null, to: null, keys: null }, reason: null, actor: 'x' } as const,
  }),
  fc
    .tuple(
      fc.constantFrom('PromoteReplay' as const, 'RollbackReplay' as const, 'AbandonReplay' as const, 'RetireReplay' as const),
      generation,
    )
    .map(([type, g]) => ({
      hash: '',
      command: { type, view: 'v', generation: g } as const,
    })),
  generation.map((g) => ({ hash: '', command: { type: 'SystemGenerationFilled', view: 'v', generation: g } as const })),
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
        const decision = decide(state, c, { now: i, problems: [], change: null, planHash: hash, dependents: [] });
        if (decision.outcome === 'refused') {
          expect(decision.problem.message.length).toBeGreaterThan(10);
          return;
        }
        for (const event of decision.events) state = evolve(state, event);
        log.push(...decision.events);
        expect(state.versions.slice(0, before.versions.length)).toEqual(before.versions);
        expect(state.versions.map((v) => v.version)).toEqual(state.versions.map((_, n) => n + 1));
        expect(state.generations.filter((g) => g.state === 'live').length).toBeLessThanOrEqual(1);
        if (before.generations.some((g) => g.state === 'live'))
          expect(state.generations.some((g) => g.state === 'live')).toBe(true);
        expect(state.generations.map((g) => g.generation)).toEqual(state.generations.map((_, n) => n + 1));
      });
      expect(log.reduce(evolve, initialState)).toEqual(state);
    }),
    { numRuns: 300 },
  );
});
