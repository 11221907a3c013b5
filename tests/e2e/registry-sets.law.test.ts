/**
 * Any sequence of applied sets of definitions: the registry is then what the set says, refers to
 * nothing that is retired, and its export makes another registry the same.
 */
import fc from 'fast-check';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  onDemandFeature,
  source,
  sum,
} from 'millrace';
import { expect, test } from 'vitest';
import type { RegistryExport } from '#domain/api/registry.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { MillraceError } from '#domain/errors.ts';
import { streamOf } from '#domain/registry/events.ts';
import { planDefinitions } from '#domain/registry/plan.ts';
import { upstreamOf } from '#domain/registry/references.ts';
import { readRegistryExport, registeredIn } from '#domain/registry/registry-export.ts';
import { registryExport } from '#projections/catalog/registry-export.ts';
import { testRegistry } from '#tests/support/registry.ts';

const shop = (text: string) =>
  entity({ name: 'shop', keys: { shop: 'string' }, description: text });
const sales = (wide: boolean) =>
  source({
    name: 'sales',
    fields: {
      shop: 'string',
      at: 'timestamp',
      amount: 'double',
      ...(wide ? { tax: 'double?' as const } : {}),
    },
    eventTime: 'at',
  });
const visits = source({
  name: 'visits',
  fields: { shop: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const amount = sum(col('amount'), { window: '1d' });
const turnover = (more: boolean) =>
  featureView({
    name: 'turnover',
    entity: shop(''),
    source: sales(false),
    features: more ? { amount, mean: avg(col('amount')) } : { amount, mean: count() },
  });
const footfall = featureView({
  name: 'footfall',
  entity: shop(''),
  source: visits,
  features: { seen: count({ window: '1h' }) },
});
const doubled = (by: number) =>
  onDemandFeature({
    name: 'doubled',
    type: 'double',
    inputs: { amount: turnover(true).feature('amount') },
    value: ({ amount }) => amount.times(by),
  });
const model = (of: readonly number[]) => {
  const members = [
    turnover(false).pick('amount'),
    turnover(true).pick('mean'),
    footfall.pick('seen'),
    doubled(2),
  ];
  return featureService({
    name: 'model',
    features: of.map((i) => members[i] as (typeof members)[number]) as never,
  });
};

/** A set of definitions with everything that it refers to in it. */
const closed = (wanted: readonly Definition[], all: readonly Definition[]): Definition[] => {
  const chosen = new Map<string, Definition>();
  const take = (definition: Definition): void => {
    chosen.set(streamOf(definition.kind, definition.name), definition);
    for (const id of upstreamOf(definition)) {
      const found = all.find(({ kind, name }) => streamOf(kind, name) === id);
      if (found !== undefined && !chosen.has(id)) take(found);
    }
  };
  for (const definition of wanted) take(definition);
  return [...chosen.values()];
};

const definitionSet: fc.Arbitrary<Definition[]> = fc
  .record({
    shop: fc.constantFrom('', 'a shop').map(shop),
    sales: fc.boolean().map(sales),
    turnover: fc.boolean().map(turnover),
    doubled: fc.constantFrom(2, 3).map(doubled),
    model: fc.uniqueArray(fc.nat(3), { minLength: 1 }).map(model),
    picked: fc.uniqueArray(fc.nat(6), { minLength: 1 }),
    /** the entity may be left out, and then be registered or not */
    whole: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  })
  .map(({ picked, whole, ...of }) => {
    const all = [of.shop, of.sales, visits, of.turnover, footfall, of.doubled, of.model];
    const wanted = picked.map((i) => all[i] as Definition);
    return closed(wanted, all)
      .filter(({ kind }, _, { length }) => whole || kind !== 'entity' || length === 1)
      .map((definition) => parseDefinition(JSON.parse(JSON.stringify(definition))));
  });

const step = fc.record({
  definitions: definitionSet,
  prune: fc.boolean(),
  deprecated: fc.constantFrom(null, 'turnover', 'footfall'),
});

type Registry = Awaited<ReturnType<typeof testRegistry>>;
const exportOf = ({ catalog }: Registry): RegistryExport => registryExport(catalog);

const idsOf = (definitions: readonly Pick<Definition, 'kind' | 'name'>[]): string[] =>
  definitions.map(({ kind, name }) => streamOf(kind, name)).sort();

test('any sequence of sets', async () => {
  let [applied, refused, retired, restored] = [0, 0, 0, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 5 }),
      definitionSet,
      async (steps, last) => {
        const registry = await testRegistry();
        for (const { definitions, prune, deprecated } of steps) {
          try {
            const result = await registry.apply(definitions, { prune, force: true, reason: 'law' });
            applied++;
            retired += result.changes.filter(({ action }) => action === 'retire').length;
            restored += result.changes.filter(({ action }) => action === 'restore').length;
          } catch (error) {
            expect(error).toBeInstanceOf(MillraceError);
            // A set is refused whole.
            refused++;
            continue;
          }
          const plan = planDefinitions(registry.catalog, definitions);
          expect(plan.changes.map(({ action }) => action)).toEqual(
            definitions.map(() => 'unchanged'),
          );
          const active = exportOf(registry).definitions;
          if (prune) {
            expect(plan.missing).toEqual([]);
            expect(idsOf(active)).toEqual(idsOf(definitions));
          } else expect(idsOf([...plan.missing, ...definitions])).toEqual(idsOf(active));
          const ids = new Set(idsOf(active));
          for (const { definition } of active)
            expect(upstreamOf(definition).filter((id) => !ids.has(id))).toEqual([]);
          if (ids.has(`feature-view/${deprecated}`))
            await registry
              .send('Deprecate', { kind: 'feature-view', name: deprecated })
              .catch(() => undefined);
        }

        const exported = exportOf(registry);
        const text = JSON.stringify(exported);
        const file = readRegistryExport(JSON.parse(text));
        const definitions = file.definitions.map(({ definition }) => definition);
        const others = file.definitions.map(({ definition: _, ...other }) => other);
        const another = await testRegistry();
        await another.apply(definitions, { exported: others });
        expect(JSON.stringify(exportOf(another))).toBe(text);
        // The plan without a server. (Only a registry knows what is retired.)
        expect(planDefinitions(registeredIn(file), last)).toEqual(
          planDefinitions(another.catalog, last),
        );
        const again = planDefinitions(another.catalog, definitions, { exported: others });
        expect(again.missing).toEqual([]);
        expect(again.changes.filter(({ action }) => action !== 'unchanged')).toEqual([]);
      },
    ),
    { numRuns: Number(process.env.MILLRACE_RUNS ?? 60) },
  );
  // The sequences reach every kind of change.
  expect(Math.min(applied, refused, retired, restored)).toBeGreaterThan(0);
});
