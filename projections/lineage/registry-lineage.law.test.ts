/**
 * Whatever happens to a view, its runs are ones that a receiver understands: each begins once, ends
 * at most once and has nothing but remarks after its end; a generation that computes has a run
 * under way, and one that does not has none; a replay's run hangs below its generation's.
 */
import fc from 'fast-check';
import { count, entity, featureView, source } from 'millrace';
import { expect, test } from 'vitest';
import type { Commit } from '#domain/ports/event-store.ts';
import type { RegistryCommand } from '#domain/registry/commands.ts';
import { decide } from '#domain/registry/decide.ts';
import { REGISTERED, type RegistryEvent } from '#domain/registry/events.ts';
import { evolve, initialState, type RegistryState } from '#domain/registry/state.ts';
import { ENDS, type LineageEvent, type RunEvent } from './event.ts';
import { NOWHERE } from './names.ts';
import { COMPUTING, registryLineage } from './registry-lineage.ts';

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

type Step = { readonly command: RegistryCommand; readonly hash: string };
const generation = fc.integer({ min: 1, max: 5 });
const plain = (command: RegistryCommand): Step => ({ command, hash: '' });
const range = { from: null, to: null, keys: null };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('a', 'b')).map(([days, owner]) => ({
    hash: `h${days}`,
    command: {
      type: 'Register',
      definition: view(days, owner),
      force: false,
      reason: null,
    } as const,
  })),
  fc.constant(plain({ type: 'StartReplay', view: 'v', range, reason: null, actor: 'x' })),
  fc
    .tuple(
      fc.constantFrom('PromoteReplay', 'RollbackReplay', 'AbandonReplay', 'RetireReplay'),
      generation,
    )
    .map(([type, g]) => plain({ type, view: 'v', generation: g })),
  generation.map((g) => plain({ type: 'SystemGenerationFilled', view: 'v', generation: g })),
  generation.map((g) =>
    plain({ type: 'SystemGenerationFailed', view: 'v', generation: g, error: 'e' }),
  ),
  fc
    .constantFrom('Deprecate' as const, 'Restore' as const, 'Retire' as const)
    .map((type) => plain({ type, kind: 'feature-view', name: 'v' })),
);

const commitOf = (position: number, stream: string, events: readonly RegistryEvent[]): Commit => ({
  position,
  stream,
  version: position,
  events,
  refusal: null,
  command: {
    id: `c${position}`,
    type: 'T',
    data: null,
    actor: 'x',
    reason: null,
    time: position * 1000,
  },
});

const base = [shop, sales].map((definition, i) =>
  commitOf(i + 1, `${definition.kind}/${definition.name}`, [
    { type: REGISTERED[definition.kind], data: { version: 1, definition } } as RegistryEvent,
  ]),
);
const emitter = {
  namespace: 'n',
  producer: 'urn:x',
  engine: { name: 'e', version: '1' },
  places: NOWHERE,
};

const commitsOf = (
  steps: readonly Step[],
): { commits: readonly Commit[]; state: RegistryState } => {
  let state = initialState;
  const commits: Commit[] = [...base];
  for (const { command, hash } of steps) {
    const { versions } = state;
    const decision = decide(state, command, {
      now: commits.length,
      problems: [],
      change: null,
      planHash: hash,
      planHashOf: (version) => versions[version - 1]?.planHash ?? null,
      unconsented: [],
      dependents: [],
      lacking: null,
    });
    if (decision.outcome === 'refused') continue;
    for (const event of decision.events) state = evolve(state, event);
    commits.push(commitOf(commits.length + 1, 'feature-view/v', decision.events));
  }
  return { commits, state };
};

const eventsOf = (commits: readonly Commit[]): readonly LineageEvent[] => {
  const fold = registryLineage(emitter);
  return commits.flatMap((commit) => [...fold.next(commit)]);
};

test('runs begin once, end once, and are under way exactly while their generation computes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { commits, state } = commitsOf(steps);
      const events = eventsOf(commits);
      expect(eventsOf(commits)).toEqual(events);
      const runs = Map.groupBy(
        events.filter((event): event is RunEvent => 'run' in event),
        (event) => event.run.runId,
      );
      const open: number[] = [];
      for (const [id, events] of runs) {
        const types = events.map(({ eventType }) => eventType);
        expect(
          types.filter((type) => type === 'START'),
          id,
        ).toHaveLength(1);
        expect(types[0], id).toBe('START');
        const end = types.findIndex((type) => ENDS.has(type));
        if (end >= 0)
          expect(
            types.slice(end + 1).every((type) => type === 'OTHER'),
            `${types}`,
          ).toBe(true);
        const [first] = events as [RunEvent];
        const { parent, millrace_generation: of } = first.run.facets as unknown as Record<
          string,
          { run: { runId: string }; generation: number }
        >;
        if (parent !== undefined)
          expect(runs.get(parent.run.runId)?.[0]?.job.name).toBe('compute.v');
        else if (end < 0) open.push(of?.generation as number);
      }
      const computing = state.generations
        .filter((g) => COMPUTING.has(g.state))
        .map((g) => g.generation);
      expect(open.sort()).toEqual(state.status === 'retired' ? [] : computing);
    }),
    // A wrong turn takes five commands in the right order: rare among a hundred runs.
    { numRuns: 600 },
  );
});
