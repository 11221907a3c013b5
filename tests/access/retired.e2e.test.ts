/** Who may not see a name learns neither that it is registered, nor that it is retired. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { charge, founder, type Guarded, guarded } from './support/fixture.ts';

let on: Guarded;
beforeAll(async () => {
  on = await guarded();
});
afterAll(() => on.dispose());

const retire = (kind: string, name: string) =>
  on.platform.registry.command({ type: 'Retire', data: { kind, name } }, founder);

test('a caller of another namespace gets the same refusal before and after, one of it the reason', async () => {
  const inside = await on.key(['reader@*', 'producer@*']);
  const outside = await on.key(['reader@fraud', 'producer@fraud']);
  const read = { service: 'scoring', entities: [{ card: 'c1' }], request: [{ by: 1 }] };
  const feature = { features: ['spending:spent'], entities: [{ card: 'c1' }] };
  const events = { events: [charge('a')] };
  const calls = (key: string) =>
    Promise.all([
      on.call('POST', '/v1/features', key, read),
      on.call('POST', '/v1/features', key, feature),
      on.call('POST', '/v1/sources/charges/events', key, events),
    ]);
  const seen = async (key: string) =>
    (await calls(key)).map(({ status, body }) => ({ status, body }));

  const before = await seen(outside.header);
  expect(before.map(({ body }) => body.code)).toEqual(Array(3).fill('MR_FORBIDDEN'));
  await retire('feature-service', 'scoring');
  await retire('feature-service', 'mixed');
  for (const name of ['doubled', 'hinted']) await retire('on-demand-feature', name);
  for (const name of ['spending', 'suspicion']) await retire('feature-view', name);
  await retire('source', 'charges');
  expect(await seen(outside.header)).toEqual(before);

  const after = await seen(inside.header);
  expect(after.map(({ body }) => body.code)).toEqual([
    'MR_NOT_FOUND',
    'MR_NOT_FOUND',
    'MR_UNKNOWN_SOURCE',
  ]);
  for (const { body } of after) expect(body.message).toMatch(/is retired since .*millrace restore/);
});
