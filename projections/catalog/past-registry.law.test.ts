/**
 * The registry of then: for any sequence of changes, it answers as of each position what it
 * answered when it was there.
 */
import fc from 'fast-check';
import { col, count, entity, featureService, featureView, source, sum } from 'millrace';
import { expect, test } from 'vitest';
import type { Definition } from '#domain/definitions/model.ts';
import { KINDS } from '#domain/registry/events.ts';
import { testRegistry } from '#tests/support/registry.ts';
import type { CatalogStreams } from './catalog-streams.ts';
import { createRegistryQueries } from './entries.ts';
import { createPastRegistry, registryPosition } from './past-registry.ts';

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
const amount = sum(col('amount'));
const turnover = (more: boolean) =>
  featureView({
    name: 'turnover',
    entity: shop(''),
    source: sales(false),
    features: more ? { amount, sales: count() } : { amount, sales: count({ window: '1d' }) },
  });
const till = featureService({ name: 'till', features: [turnover(false)] });

type Change =
  | { readonly apply: Definition }
  | { readonly send: string; readonly data: { readonly kind: string; readonly name: string } };

const named = (kind: string, name: string) => ({ kind, name });
const NAMES = [named('feature-service', 'till'), named('feature-view', 'turnover')];
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.string({ maxLength: 3 }).map((text) => ({ apply: shop(text) })),
  fc.boolean().map((wide) => ({ apply: sales(wide) })),
  fc.boolean().map((more) => ({ apply: turnover(more) })),
  fc.constant({ apply: till }),
  fc.record({
    send: fc.constantFrom('DeprecateDefinition', 'RetireDefinition', 'RestoreDefinition'),
    data: fc.constantFrom(...NAMES),
  }),
);

/** All that the registry answers. */
const answersOf = async (catalog: CatalogStreams): Promise<unknown> => {
  const queries = createRegistryQueries({ catalog });
  return JSON.parse(
    JSON.stringify({
      lists: await Promise.all(KINDS.map((kind) => queries.list(kind))),
      found: await queries.search('a'),
      graph: await queries.lineage(),
    }),
  );
};

test('as of each position, the registry answers what it answered there', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(changes, { maxLength: 12 }), async (steps) => {
      const { catalog, store, apply, send } = await testRegistry();
      const past = createPastRegistry({ eventStore: store, catalog, datasets: () => [] });
      const then = new Map<number, unknown>([[0, await answersOf(catalog)]]);
      for (const step of steps) {
        // A refused change is a commit, too.
        await ('apply' in step ? apply([step.apply]) : send(step.send, step.data)).catch(() => {});
        then.set(catalog.position(), await answersOf(catalog));
      }
      for (const [position, answers] of then) {
        const registry = await past(registryPosition(position));
        expect(await answersOf(registry.catalog)).toEqual(answers);
        compared++;
      }
    }),
    { numRuns: 40 },
  );
  expect(compared).toBeGreaterThan(40);
});

test('a snapshot of the present is not changed by what comes', async () => {
  const { catalog, store, apply } = await testRegistry();
  await apply([shop('first')]);
  const past = createPastRegistry({ eventStore: store, catalog, datasets: () => [] });
  const registry = await past(registryPosition(catalog.position()));
  const before = await answersOf(registry.catalog);
  await apply([shop('second'), sales(true)]);
  expect(await answersOf(registry.catalog)).toEqual(before);
});

test('a position that is not there yet, and a text that is none', async () => {
  const { catalog, store } = await testRegistry();
  const past = createPastRegistry({ eventStore: store, catalog, datasets: () => [] });
  await expect(past('registry@0:7')).rejects.toMatchObject({
    code: 'MR_POSITION_NOT_REACHED',
    details: { reached: 'registry@0:0' },
  });
  await expect(past('raw.sales@0:0')).rejects.toMatchObject({ code: 'MR_BODY_INVALID' });
  await expect(past('yesterday')).rejects.toMatchObject({ code: 'MR_BODY_INVALID' });
});

test('a commit of another process is read before it is said not to be there', async () => {
  const { catalog, store, another } = await testRegistry();
  const past = createPastRegistry({ eventStore: store, catalog, datasets: () => [] });
  const other = await another();
  const data = JSON.parse(JSON.stringify(shop('other'))) as object;
  await other.execute({ type: 'RegisterEntity', data }, { actor: 'bob' });
  const { catalog: read } = await past(registryPosition(await store.head()));
  expect(read.definition('entity', 'shop')).toMatchObject({ description: 'other' });
});
