/** Given past events and a command: the resulting events, or the refusal. */
import { avg, col, count, entity, featureView, source } from 'millrace';
import { describe, expect, test } from 'vitest';
import type { Definition } from '#domain/definitions/model.ts';
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
  fields: { shop: 'string', at: 'timestamp', amount: 'double' },
  eventTime: 'at',
});
const view = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: { sales_1d: count({ window: '1d' }) },
});
const revised = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: { sales_1d: count({ window: '1d' }), amount: avg(col('amount')) },
});
const json = (definition: Definition): Definition =>
  JSON.parse(JSON.stringify(definition)) as Definition;

const context: DecisionContext = {
  now: 1000,
  problems: [],
  change: null,
  planHash: 'h1',
  planHashOf: () => null,
  unconsented: [],
  dependents: [],
  lacking: null,
};
const register = (
  definition: Definition,
  more: { force?: boolean; reason?: string } = {},
): RegistryCommand => ({
  type: 'Register',
  definition,
  force: more.force ?? false,
  reason: more.reason ?? null,
});

interface When {
  readonly when: (
    command: RegistryCommand,
    given?: Partial<DecisionContext>,
  ) => {
    readonly makes: (...events: readonly unknown[]) => void;
    readonly refused: (code: string, text?: RegExp) => void;
  };
}
const given = (...events: readonly RegistryEvent[]): When => ({
  when(command, facts = {}) {
    const state = events.reduce(evolve, initialState);
    const decision = decide(state, command, {
      ...context,
      planHashOf: (version) => state.versions[version - 1]?.planHash ?? null,
      ...facts,
    });
    return {
      makes(...wanted) {
        expect(decision).toMatchObject({ outcome: 'accepted' });
        expect(decision.outcome === 'accepted' && decision.events).toMatchObject(wanted);
        expect(decision.outcome === 'accepted' && decision.events.length).toBe(wanted.length);
      },
      refused(code, text = /./) {
        expect(decision).toMatchObject({ outcome: 'refused', problem: { code } });
        expect(decision.outcome === 'refused' && decision.problem.message).toMatch(text);
      },
    };
  },
});

const registered: RegistryEvent = {
  type: 'FeatureViewRegistered',
  data: { version: 1, definition: json(view), planHash: 'h1' },
};
const second: RegistryEvent = {
  type: 'FeatureViewRegistered',
  data: { version: 2, definition: json(revised), planHash: 'h2' },
};
const started = (generation: number, version: number): RegistryEvent => ({
  type: 'GenerationStarted',
  data: {
    generation,
    version,
    at: generation,
    replay:
      generation === 1
        ? null
        : {
            id: `turnover-${generation}`,
            reason: null,
            actor: 'a',
            from: null,
            to: null,
            keys: null,
          },
  },
});
const filled = (generation: number): RegistryEvent => ({
  type: 'GenerationFilled',
  data: { generation, at: 10 * generation },
});
const failed = (generation: number): RegistryEvent => ({
  type: 'GenerationFailed',
  data: { generation, error: 'no disk', at: 10 * generation },
});
const rolledBack = (generation: number, to: number): RegistryEvent => ({
  type: 'GenerationRolledBack',
  data: { generation, to, at: 1000 * generation },
});
const promoted = (generation: number): RegistryEvent => ({
  type: 'GenerationPromoted',
  data: { generation, previous: generation - 1 || null, at: 100 * generation },
});
const live = [registered, started(1, 1), filled(1), promoted(1)];
const replayed = [...live, second, started(2, 2), filled(2)];

describe('registering', () => {
  test('a new definition is version 1', () =>
    given()
      .when(register(shop))
      .makes({ type: 'EntityRegistered', data: { version: 1, definition: json(shop) } }));
  test('a new view starts its first generation', () =>
    given()
      .when(register(view))
      .makes(
        { type: 'FeatureViewRegistered', data: { version: 1, planHash: 'h1' } },
        { type: 'GenerationStarted', data: { generation: 1, replay: null } },
      ));
  test('registering an equal definition makes no event', () =>
    given(...live)
      .when(register(view))
      .makes());
  test('a changed computation is a version that is not live', () =>
    given(...live)
      .when(register(revised), { planHash: 'h2' })
      .makes({ type: 'FeatureViewRegistered', data: { version: 2, planHash: 'h2' } }));
  test('the live generation adopts a change of metadata', () =>
    given(...live)
      .when(register({ ...view, owner: 'x' }))
      .makes(
        { type: 'FeatureViewRegistered', data: { version: 2 } },
        { type: 'GenerationAdopted', data: { generation: 1, version: 2 } },
      ));
  test('a problem of the definition refuses it', () =>
    given()
      .when(register(view), {
        problems: [{ code: 'MR_UNKNOWN_COLUMN', message: 'no such column' }],
      })
      .refused('MR_UNKNOWN_COLUMN', /no such column/));
  test('a breaking change needs force, and force a reason', () => {
    const change = {
      cost: 'breaking',
      fields: [],
      notes: ['y is new', 'feature x goes'],
      breaks: ['feature x goes'],
      broken: [],
      final: [],
    } as const;
    given(...live)
      .when(register(revised), { change })
      .refused('MR_INCOMPATIBLE_REVISION', /feature x goes/);
    given(...live)
      .when(register(revised, { force: true }), { change })
      .refused('MR_REASON_REQUIRED');
    given(...live)
      .when(register(revised, { force: true, reason: 'we must' }), { change, planHash: 'h2' })
      .makes({ type: 'FeatureViewRegistered', data: { forced: ['feature x goes'] } });
  });
  test('a view without a live or filling generation is filled again with its next version', () =>
    given(registered, started(1, 1), failed(1))
      .when(register(revised), { planHash: 'h2' })
      .makes(
        { type: 'FeatureViewRegistered', data: { version: 2 } },
        { type: 'GenerationStarted', data: { generation: 2, version: 2, replay: null } },
      ));
  test('a retired definition cannot be revised', () =>
    given(...live, { type: 'DefinitionRetired', data: { kind: 'feature-view', name: 'turnover' } })
      .when(register(revised))
      .refused('MR_REFUSED', /retired/));
});

describe('deprecating and retiring', () => {
  const command = (type: 'Deprecate' | 'Restore' | 'Retire'): RegistryCommand => ({
    type,
    kind: 'feature-view',
    name: 'turnover',
  });
  test('deprecate, restore, retire', () => {
    given(...live)
      .when(command('Deprecate'))
      .makes({ type: 'DefinitionDeprecated' });
    given(...live, {
      type: 'DefinitionDeprecated',
      data: { kind: 'feature-view', name: 'turnover' },
    })
      .when(command('Restore'))
      .makes({ type: 'DefinitionRestored' });
    given(...live)
      .when(command('Retire'))
      .makes({ type: 'DefinitionRetired' });
  });
  test('a definition with dependents cannot be retired', () =>
    given(...live)
      .when(command('Retire'), { dependents: ['feature-service/model'] })
      .refused('MR_REFUSED', /feature-service\/model/));
  test('a definition restored from retirement is checked again', () => {
    const problems = [
      { code: 'MR_UNKNOWN_REFERENCE', message: 'there is no source "sales"' },
    ] as const;
    given(...live, { type: 'DefinitionRetired', data: { kind: 'feature-view', name: 'turnover' } })
      .when(command('Restore'), { problems })
      .refused('MR_UNKNOWN_REFERENCE', /sales/);
    given(...live, {
      type: 'DefinitionDeprecated',
      data: { kind: 'feature-view', name: 'turnover' },
    })
      .when(command('Restore'), { problems })
      .makes({ type: 'DefinitionRestored' });
  });
  test('neither an unknown definition, nor twice', () => {
    given().when(command('Retire')).refused('MR_NOT_FOUND');
    given(...live)
      .when(command('Restore'))
      .refused('MR_REFUSED', /active/);
  });
});

describe('replays', () => {
  const start = (
    range: Partial<{ from: number; to: number; keys: string[] }> = {},
  ): RegistryCommand => ({
    type: 'StartReplay',
    view: 'turnover',
    range: { from: range.from ?? null, to: range.to ?? null, keys: range.keys ?? null },
    reason: 'why not',
    actor: 'ann',
  });
  const change = (
    type: 'PromoteReplay' | 'RollbackReplay' | 'AbandonReplay' | 'RetireReplay',
    generation: number,
  ): RegistryCommand => ({ type, view: 'turnover', generation });

  test('start takes the next generation and the newest version', () =>
    given(...live, second)
      .when(start())
      .makes({
        type: 'GenerationStarted',
        data: { generation: 2, version: 2, replay: { id: 'turnover-2', actor: 'ann' } },
      }));
  test('neither of an unknown view, nor before the first generation is live', () => {
    given().when(start()).refused('MR_NOT_FOUND');
    given(registered, started(1, 1)).when(start()).refused('MR_REPLAY_STATE');
  });
  test('a partial replay needs an engine that can do it; a whole one does not', () => {
    const whole = { partialReplays: false };
    for (const range of [{ from: 5 }, { to: 9 }, { keys: ['a'] }])
      given(...live)
        .when(start(range), whole)
        .refused('MR_REFUSED', /replay the whole view "turnover", without `from`/);
    given(...live)
      .when(start(), whole)
      .makes({ type: 'GenerationStarted' });
  });
  test('a partial replay needs the same computation', () => {
    given(...live)
      .when(start({ from: 5, to: 9 }))
      .makes({ type: 'GenerationStarted', data: { replay: { from: 5, to: 9 } } });
    given(...live, second)
      .when(start({ from: 5 }))
      .refused('MR_REFUSED', /whole/);
    given(...live)
      .when(start({ from: 9, to: 5 }))
      .refused('MR_BODY_INVALID');
  });
  test('the first generation is promoted at once, a replay waits for a command', () => {
    given(registered, started(1, 1))
      .when({ type: 'SystemGenerationFilled', view: 'turnover', generation: 1 })
      .makes(
        { type: 'GenerationFilled' },
        { type: 'GenerationPromoted', data: { generation: 1, previous: null } },
      );
    given(...live, second, started(2, 2))
      .when({ type: 'SystemGenerationFilled', view: 'turnover', generation: 2 })
      .makes({ type: 'GenerationFilled' });
    given(...replayed)
      .when({ type: 'SystemGenerationFilled', view: 'turnover', generation: 2 })
      .makes();
  });
  test('promote, roll back, retire', () => {
    given(...replayed)
      .when(change('PromoteReplay', 2))
      .makes({ type: 'GenerationPromoted', data: { generation: 2, previous: 1 } });
    given(...replayed, promoted(2))
      .when(change('RollbackReplay', 2))
      .makes({ type: 'GenerationRolledBack', data: { generation: 2, to: 1 } });
    given(...replayed, promoted(2))
      .when(change('RetireReplay', 1))
      .makes({ type: 'GenerationRetired', data: { generation: 1 } });
    given(...replayed, promoted(2), { type: 'GenerationRetired', data: { generation: 1, at: 1 } })
      .when(change('RollbackReplay', 2))
      .refused('MR_REPLAY_STATE', /no earlier/);
  });
  test('a roll back skips generations that were rolled back; a promotion brings one back', () => {
    const third = [...replayed, promoted(2), started(3, 2), filled(3), promoted(3)];
    given(...third, rolledBack(3, 2))
      .when(change('RollbackReplay', 2))
      .makes({ type: 'GenerationRolledBack', data: { generation: 2, to: 1 } });
    given(...third, rolledBack(3, 2), rolledBack(2, 1))
      .when(change('RollbackReplay', 1))
      .refused('MR_REPLAY_STATE', /no earlier/);
    given(...third, rolledBack(3, 2))
      .when(change('PromoteReplay', 3))
      .makes({ type: 'GenerationPromoted', data: { generation: 3, previous: 2 } });
    given(...third, rolledBack(3, 2), promoted(3))
      .when(change('RollbackReplay', 3))
      .makes({ type: 'GenerationRolledBack', data: { generation: 3, to: 2 } });
  });
  test('a generation that becomes live adopts a newer version that computes the same', () => {
    const renamed: RegistryEvent = {
      type: 'FeatureViewRegistered',
      data: { version: 3, definition: json({ ...revised, owner: 'x' }), planHash: 'h2' },
    };
    given(...replayed, renamed)
      .when(change('PromoteReplay', 2))
      .makes(
        { type: 'GenerationPromoted' },
        { type: 'GenerationAdopted', data: { generation: 2, version: 3 } },
      );
    const asBefore: RegistryEvent = {
      type: 'FeatureViewRegistered',
      data: { version: 3, definition: json(view), planHash: 'h1' },
    };
    given(...replayed, promoted(2), asBefore)
      .when(change('RollbackReplay', 2))
      .makes(
        { type: 'GenerationRolledBack', data: { generation: 2, to: 1 } },
        { type: 'GenerationAdopted', data: { generation: 1, version: 3 } },
      );
  });
  test('after the first generation failed, a replay becomes live as soon as it is filled', () => {
    const again = [registered, started(1, 1), failed(1)];
    given(...again)
      .when(start())
      .makes({
        type: 'GenerationStarted',
        data: { generation: 2, version: 1, replay: { id: 'turnover-2' } },
      });
    given(...again)
      .when(start({ from: 5 }))
      .refused('MR_REFUSED', /whole/);
    given(...again, started(2, 1))
      .when({ type: 'SystemGenerationFilled', view: 'turnover', generation: 2 })
      .makes(
        { type: 'GenerationFilled' },
        { type: 'GenerationPromoted', data: { generation: 2, previous: null } },
      );
    given(...again)
      .when(change('AbandonReplay', 1))
      .makes({ type: 'GenerationAbandoned' });
  });
  test('a failure is recorded once, and only for a filling generation', () => {
    const fail: RegistryCommand = {
      type: 'SystemGenerationFailed',
      view: 'turnover',
      generation: 2,
      error: 'no disk',
    };
    given(...live, started(2, 1))
      .when(fail)
      .makes({ type: 'GenerationFailed', data: { generation: 2, error: 'no disk' } });
    given(...live, started(2, 1), failed(2))
      .when(fail)
      .makes();
    given(...live, started(2, 1), filled(2))
      .when(fail)
      .makes();
  });
  test('the last generation of a pinned version cannot be retired', () => {
    const dependents = ['feature-service/model'];
    given(...replayed, promoted(2))
      .when(change('RetireReplay', 1), { dependents })
      .refused('MR_REFUSED', /feature-service\/model/);
    given(...live, started(2, 1), filled(2), promoted(2))
      .when(change('RetireReplay', 1), { dependents })
      .makes({ type: 'GenerationRetired' });
  });
  test('a retired view cannot be replayed', () =>
    given(...live, { type: 'DefinitionRetired', data: { kind: 'feature-view', name: 'turnover' } })
      .when(start())
      .refused('MR_REFUSED', /retired/));
  test('commands that the generation’s state does not allow', () => {
    given(...live, second, started(2, 2))
      .when(change('PromoteReplay', 2))
      .refused('MR_REPLAY_STATE', /filling/);
    given(...live)
      .when(change('AbandonReplay', 1))
      .refused('MR_REPLAY_STATE');
    given(...live)
      .when(change('RollbackReplay', 1))
      .refused('MR_REPLAY_STATE');
    given(...live)
      .when(change('PromoteReplay', 7))
      .refused('MR_NOT_FOUND');
    given(...replayed)
      .when(change('RetireReplay', 2))
      .refused('MR_REPLAY_STATE');
  });
  test('a failed generation can be abandoned', () =>
    given(...live, started(2, 1), {
      type: 'GenerationFailed',
      data: { generation: 2, error: 'x', at: 1 },
    })
      .when(change('AbandonReplay', 2))
      .makes({ type: 'GenerationAbandoned' }));
  test('which generation was live when', () => {
    const state = [
      ...replayed,
      promoted(2),
      { type: 'GenerationRolledBack', data: { generation: 2, to: 1, at: 300 } } as const,
    ].reduce<ReturnType<typeof evolve>>(evolve, initialState);
    expect([50, 100, 199, 200, 299, 300].map((time) => liveAt(state, time))).toEqual([
      null,
      1,
      1,
      2,
      2,
      1,
    ]);
    expect(state.generations.filter((g) => g.state === 'live').map((g) => g.generation)).toEqual([
      1,
    ]);
  });
});
