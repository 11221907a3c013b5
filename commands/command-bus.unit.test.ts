/**
 * From a command to its commit: what is known when it is decided, who wins a race, and what the
 * audit gets to know.
 */
import { count, entity, featureService, featureView, source } from 'millrace';
import { expect, test } from 'vitest';
import { interruptedStore } from '#tests/support/interrupted-store.ts';
import { testRegistry } from '#tests/support/registry.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', amount: 'double' },
  eventTime: 'at',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: { sales_1d: count({ window: '1d' }) },
});
const caller = { actor: 'ann' };
const outcomes = async (commands: readonly Promise<unknown>[]): Promise<readonly string[]> =>
  (await Promise.allSettled(commands)).map((r) =>
    r.status === 'fulfilled' ? 'done' : (r.reason as { code: string }).code,
  );

test('who sent a command reads what it did, and its position says so', async () => {
  const { register, catalog } = await testRegistry();
  const answer = await register(shop);
  expect(answer).toMatchObject({
    events: [{ type: 'EntityRegistered', data: { version: 1 } }],
    position: 'registry@0:1',
  });
  expect(catalog.position()).toBe(1);
  expect(catalog.definition('entity', 'shop')).toMatchObject({ name: 'shop' });
});

test('the same again makes no commit', async () => {
  const { register, store } = await testRegistry();
  await register(shop);
  expect(await register(shop)).toEqual({ events: [], position: 'registry@0:1' });
  expect(await store.head()).toBe(1);
});

test('a refusal is thrown with its reason, and is a commit without events', async () => {
  const { register, store } = await testRegistry();
  await expect(register(turnover)).rejects.toMatchObject({ code: 'MR_UNKNOWN_REFERENCE' });
  expect(await store.readAll(0, 10)).toMatchObject([
    {
      stream: 'feature-view/turnover',
      version: 0,
      events: [],
      refusal: { code: 'MR_UNKNOWN_REFERENCE' },
      command: { actor: 'ann', type: 'RegisterFeatureView' },
    },
  ]);
});

test('what there is no command for is refused with the list of what there is, and known to the audit', async () => {
  const { send, store } = await testRegistry();
  await expect(send('Explode', {})).rejects.toMatchObject({
    code: 'MR_COMMAND_UNKNOWN',
    message: expect.stringContaining('RegisterFeatureView'),
  });
  await expect(send('Explode', undefined), 'whatever its data').rejects.toMatchObject({
    code: 'MR_COMMAND_UNKNOWN',
  });
  await expect(send('Retire', { kind: 'planet', name: 'x' })).rejects.toMatchObject({
    code: 'MR_BODY_INVALID',
  });
  await expect(send('PromoteReplay', { view: 'x' })).rejects.toMatchObject({
    code: 'MR_BODY_INVALID',
  });
  expect((await store.readAll(0, 10)).map((c) => c.refusal?.code)).toEqual([
    'MR_COMMAND_UNKNOWN',
    'MR_COMMAND_UNKNOWN',
    'MR_BODY_INVALID',
    'MR_BODY_INVALID',
  ]);
});

test('an expected version that is not the stream’s is a conflict that names the present one', async () => {
  const { register } = await testRegistry();
  await register(shop, { expectedVersion: 0 });
  await expect(register({ ...shop, owner: 'a' }, { expectedVersion: 0 })).rejects.toMatchObject({
    code: 'MR_VERSION_CONFLICT',
    details: { currentVersion: 1 },
  });
  await register({ ...shop, owner: 'a' }, { expectedVersion: 1 });
});

test('of two that expect the same version one wins', async () => {
  const { register, catalog } = await testRegistry();
  await register(shop);
  const two = ['a', 'b'].map((owner) => register({ ...shop, owner }, { expectedVersion: 1 }));
  expect([...(await outcomes(two))].sort()).toEqual(['MR_VERSION_CONFLICT', 'done']);
  expect(catalog.stream('entity', 'shop')?.state.versions.length).toBe(2);
});

test('without an expected version, a race lost to another process is decided again on what is there now', async () => {
  const { wrap, interrupt } = interruptedStore();
  const { register, another, catalog } = await testRegistry(wrap);
  await register(shop);
  const other = await another();
  interrupt(() =>
    other.execute({ type: 'RegisterEntity', data: { ...shop, owner: 'theirs' } }, caller),
  );
  expect(await register({ ...shop, owner: 'ours' })).toMatchObject({
    events: [{ data: { version: 3 } }],
  });
  interrupt(() =>
    other.execute({ type: 'RegisterEntity', data: { ...shop, owner: 'theirs' } }, caller),
  );
  await expect(register({ ...shop, owner: 'mine' }, { expectedVersion: 3 })).rejects.toMatchObject({
    code: 'MR_VERSION_CONFLICT',
    details: { currentVersion: 4 },
  });
  expect(catalog.stream('entity', 'shop')?.registrations.length).toBe(4);
});

test('streams that refer to each other are decided one after the other: nothing is left over what is retired', async () => {
  const { register, send, catalog } = await testRegistry();
  await register(shop);
  await register(sales);
  const both = await outcomes([
    send('Retire', { kind: 'source', name: 'sales' }),
    register(turnover),
  ]);
  expect(both).toEqual(['done', 'MR_UNKNOWN_REFERENCE']);
  expect(catalog.definition('feature-view', 'turnover')).toBeNull();

  await send('Restore', { kind: 'source', name: 'sales' });
  expect(
    await outcomes([register(turnover), send('Retire', { kind: 'source', name: 'sales' })]),
  ).toEqual(['done', 'MR_REFUSED']);
});

test('of two processes whose commands contradict each other, one is refused, whichever came first', async () => {
  const { wrap, interrupt } = interruptedStore();
  const { register, send, another, catalog } = await testRegistry(wrap);
  await register(shop);
  await register(sales);
  const other = await another();
  const retire = { type: 'Retire', data: { kind: 'source', name: 'sales' } };
  interrupt(() => other.execute(retire, caller));
  await expect(register(turnover), 'its source went while it was decided').rejects.toMatchObject({
    code: 'MR_UNKNOWN_REFERENCE',
  });
  expect(catalog.definition('feature-view', 'turnover')).toBeNull();

  await send('Restore', { kind: 'source', name: 'sales' });
  interrupt(() => other.execute({ type: 'RegisterFeatureView', data: turnover }, caller));
  await expect(
    send('Retire', retire.data),
    'a view came while it was decided',
  ).rejects.toMatchObject({ code: 'MR_REFUSED' });
  expect(catalog.definition('source', 'sales')).not.toBeNull();

  await send('Retire', { kind: 'feature-view', name: 'turnover' });
  await send('Retire', retire.data);
  await send('Restore', retire.data);
  interrupt(() => other.execute(retire, caller));
  await expect(send('Restore', { kind: 'feature-view', name: 'turnover' })).rejects.toMatchObject({
    code: 'MR_UNKNOWN_REFERENCE',
  });
});

test('a decision on its own stream alone is not made again for what happens elsewhere', async () => {
  const { wrap, interrupt, appends } = interruptedStore();
  const { register, send, another } = await testRegistry(wrap);
  await register(shop);
  const other = await another();
  interrupt(() => other.execute({ type: 'RegisterSource', data: sales }, caller));
  const before = appends();
  await send('Deprecate', { kind: 'entity', name: 'shop' });
  expect(appends() - before).toBe(1);
});

test('what another process committed counts, though no one told this one', async () => {
  const { register, another } = await testRegistry((store) => ({
    ...store,
    onCommit: () => () => {},
  }));
  const other = await another();
  await other.execute({ type: 'RegisterEntity', data: shop }, caller);
  await other.execute({ type: 'RegisterSource', data: sales }, caller);
  expect(await register(turnover)).toMatchObject({
    events: [{ type: 'FeatureViewRegistered' }, { type: 'GenerationStarted' }],
  });
});

test('what is restored must still hold together', async () => {
  const { register, send } = await testRegistry();
  for (const definition of [shop, sales, turnover]) await register(definition);
  await expect(send('Retire', { kind: 'source', name: 'sales' })).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringContaining('feature-view/turnover'),
  });
  await send('Retire', { kind: 'feature-view', name: 'turnover' });
  await send('Retire', { kind: 'source', name: 'sales' });
  await expect(send('Restore', { kind: 'feature-view', name: 'turnover' })).rejects.toMatchObject({
    code: 'MR_UNKNOWN_REFERENCE',
    message: expect.stringContaining('sales'),
  });
  await send('Restore', { kind: 'source', name: 'sales' });
  await send('Restore', { kind: 'feature-view', name: 'turnover' });
});

test('a service pins only a version that there is, and its features', async () => {
  const { register } = await testRegistry();
  for (const definition of [shop, sales, turnover]) await register(definition);
  const pinned = (version: number, feature = 'sales_1d') => ({
    ...featureService({ name: 'model', features: [turnover.pick('sales_1d')] }),
    features: [{ from: 'view' as const, view: 'turnover', features: [feature], version }],
  });
  await expect(register(pinned(7))).rejects.toMatchObject({
    code: 'MR_UNKNOWN_REFERENCE',
    message: expect.stringMatching(/version 7.*1/),
  });
  await expect(register(pinned(1, 'sales_9d'))).rejects.toMatchObject({
    code: 'MR_UNKNOWN_REFERENCE',
  });
  await register(pinned(1));
});

test('a generation that a service pins is not retired', async () => {
  const { register, send, system } = await testRegistry();
  for (const definition of [shop, sales, turnover]) await register(definition);
  await system({ type: 'SystemGenerationFilled', view: 'turnover', generation: 1 });
  await register({
    ...featureService({ name: 'model', features: [turnover.pick('sales_1d')] }),
    features: [{ from: 'view', view: 'turnover', features: ['sales_1d'], version: 1 }],
  });
  await register(featureView({ ...turnover, entity: shop, source: sales, ttl: '9d' } as never));
  await send('StartReplay', { view: 'turnover' });
  await system({ type: 'SystemGenerationFilled', view: 'turnover', generation: 2 });
  await send('PromoteReplay', { view: 'turnover', generation: 2 });
  await expect(send('RetireReplay', { view: 'turnover', generation: 1 })).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringContaining('feature-service/model'),
  });
  await send('Retire', { kind: 'feature-service', name: 'model' });
  await send('RetireReplay', { view: 'turnover', generation: 1 });
});

test('an event store that fails once fails the command, and the next one works', async () => {
  let broken = false;
  const { register } = await testRegistry((store) => ({
    ...store,
    async readAll(position, limit) {
      if (broken) throw new Error('the disk is gone');
      return store.readAll(position, limit);
    },
  }));
  await register(shop);
  broken = true;
  await expect(register(sales)).rejects.toThrow(/the disk is gone/);
  broken = false;
  await register(sales);
  await register(turnover);
});
