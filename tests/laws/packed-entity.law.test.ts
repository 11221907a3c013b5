/**
 * An entity's packed tiles give the values of the engine's tiles, for updates in any order,
 * repeated updates, and after packing.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeEntities, type PlainUpdate, takeIn } from '#domain/encoding/pack-updates.ts';
import { packEntity } from '#domain/encoding/packed-block.ts';
import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import { packedReader } from '#domain/encoding/packed-reader.ts';
import { unpackEntity } from '#domain/encoding/stored-block.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import type { FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { createTileStore } from '#domain/tiles/tile-store.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';

const ALWAYS = Number.NEGATIVE_INFINITY;

interface Scenario {
  readonly plan: ViewPlan;
  readonly events: readonly RawEvent[];
  readonly ats: readonly number[];
  readonly split: number;
  readonly commit: number;
}

const scenario: fc.Arbitrary<Scenario> = fc
  .tuple(definitions({ dimension: true }), rawEvents(), fc.nat(60), fc.integer({ min: 1, max: 9 }))
  .chain(([all, events, split, commit]) =>
    fc.array(moments(all, events), { minLength: 4, maxLength: 8 }).map((ats) => ({
      plan: planView(all.view, all.source, all.entity),
      events,
      ats,
      split,
      commit,
    })),
  );

/** The updates that the engine writes, by entity, and the engine itself. */
const run = ({ plan, events, commit }: Scenario) => {
  const store = createTileStore(plan);
  const codec = tileCodec(plan);
  const encoders = plan.hops.map((hop) =>
    hop.partials.flatMap(({ partial }) => partial.refs.map((slot) => slot.encode)),
  );
  const updates = new Map<string, PlainUpdate[]>();
  let offset = 0;
  events.forEach(({ row, eventTime, partition, offset: at, logTime }, i) => {
    store.process(row, eventTime, partition, at, logTime);
    if (i % commit !== 0 && i !== events.length - 1) return;
    codec.encodeChanges(store, 1, 1, (value, key) => {
      const { refs, ...update } = codec.decode(value);
      const hop = plan.hops.findIndex((h) => h.hopMs === update.hopMs);
      const plain = {
        ...update,
        offset: offset++,
        refs: refs.map((ref, r) => encoders[hop]?.[r]?.(ref)),
      };
      updates.set(key, [...(updates.get(key) ?? []), plain]);
    });
  });
  return { store, updates };
};

const thereAndBack = (plan: ViewPlan, entity: PackedEntity): PackedEntity => {
  const bytes = packEntity(entity);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  return unpackEntity(plan, shifted.subarray(3)) as PackedEntity;
};

const expectSame = (
  s: Scenario,
  build: (updates: readonly PlainUpdate[]) => PackedEntity | null,
): void => {
  const { plan, ats } = s;
  const { store, updates } = run(s);
  const reader = packedReader(plan);
  for (const key of [...store.keys, 'absent key']) {
    const entity = build(updates.get(key) ?? []);
    for (const at of ats) {
      const want: Value[] = [];
      const wantStatus: FeatureStatus[] = [];
      if (store.read(key, at, want, wantStatus) !== 'ok') continue;
      const got: Value[] = [];
      const gotStatus: FeatureStatus[] = [];
      expect(reader.read(entity, at, got, gotStatus)).toBe('ok');
      expect({ key, at, got, gotStatus }).toEqual({ key, at, got: want, gotStatus: wantStatus });
    }
  }
};

const whole = { partition: 0, offset: 0, keepFrom: ALWAYS, wholeIfNew: true };

test('updates added one by one, each twice', () => {
  fc.assert(
    fc.property(scenario, (s) =>
      expectSame(s, (updates) =>
        updates.reduce<PackedEntity | null>(
          (entity, update) =>
            thereAndBack(
              s.plan,
              takeIn(s.plan, takeIn(s.plan, entity, [update], whole), [update], whole),
            ),
          null,
        ),
      ),
    ),
    { numRuns: 150 },
  );
});

test('values kept as doubles, read in place', () => {
  const input = (name: string) => ({ op: 'col', name }) as const;
  const features = {
    newest_x: { aggregation: 'last', input: input('x') },
    oldest_n: {
      aggregation: 'first',
      input: input('n'),
      where: { op: 'call', fn: 'gt', args: [input('x'), { op: 'lit', value: 0 }] },
    },
    newest_d: { aggregation: 'last', input: input('d') },
  } as const;
  const direct = scenario.chain((s) =>
    definitions({ dimension: true }).map((all) => ({
      ...s,
      plan: planView({ ...all.view, features }, all.source, all.entity),
    })),
  );
  fc.assert(
    fc.property(direct, (s) =>
      expectSame(s, (updates) =>
        updates.length === 0 ? null : thereAndBack(s.plan, takeIn(s.plan, null, updates, whole)),
      ),
    ),
    { numRuns: 150 },
  );
});

test('a block that began in the middle of the topic, merged with a durable tier that reaches past its beginning', () => {
  fc.assert(
    fc.property(scenario, fc.nat(5), (s, overlap) =>
      expectSame(s, (updates) => {
        const cut = Math.min(s.split, updates.length);
        const durable = takeIn(s.plan, null, updates.slice(0, cut + overlap), whole);
        const rest = updates.slice(cut);
        if (updates.length === 0) return null;
        if (rest.length === 0) return durable;
        const late = thereAndBack(
          s.plan,
          takeIn(s.plan, null, rest, { ...whole, wholeIfNew: false }),
        );
        expect(late.since?.offset).toBe(rest[0]?.offset);
        return mergeEntities(s.plan, durable, late);
      }),
    ),
    { numRuns: 150 },
  );
});

test('reads that need dropped tiles need history, and all other reads are right', () => {
  fc.assert(
    fc.property(scenario, (s) => {
      const { plan, events, ats } = s;
      const keepFrom = Math.max(...events.map((e) => Math.min(e.eventTime, e.logTime)), 0);
      const { store, updates } = run(s);
      const reader = packedReader(plan);
      for (const [key, mine] of updates) {
        const entity = thereAndBack(plan, takeIn(plan, null, mine, { ...whole, keepFrom }));
        for (const at of ats) {
          const got: Value[] = [];
          const status: FeatureStatus[] = [];
          const want: Value[] = [];
          if (reader.read(entity, at, got, status) !== 'ok') continue;
          expect(at).toBeGreaterThanOrEqual(keepFrom);
          if (store.read(key, at, want, []) === 'ok') expect(got).toEqual(want);
        }
      }
    }),
    { numRuns: 100 },
  );
});
