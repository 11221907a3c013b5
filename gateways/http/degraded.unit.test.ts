/**
 * A degraded answer says so wherever its reader looks: body, header, readiness; an answer that is
 * as usual says nothing.
 */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEGRADED_MODES, degraded, modesOf, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { createFakePlatform, type FakePlatform } from '#tests/support/fake-platform.ts';
import { createHttpGateway, type HttpGateway } from './gateway.ts';

let platform: FakePlatform;
let gateway: HttpGateway;
beforeEach(async () => {
  platform = createFakePlatform();
  gateway = await createHttpGateway({ modules: httpModules(), platform, port: 0 });
});
afterEach(() => gateway.close());

const read = (body: object = {}) =>
  fetch(`${gateway.url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'delay_model', entities: [{ origin: 'ATL' }], ...body }),
  });

test('a set of modes is its modes, in the order of the table, and the same list each time', () => {
  expect(modesOf(NOT_DEGRADED)).toEqual([]);
  expect(modesOf(DEGRADED_MODES.reduce((set, mode) => set | degraded(mode), NOT_DEGRADED))).toEqual(
    DEGRADED_MODES,
  );
  const set = degraded('log-unavailable') | degraded('cache-unavailable');
  expect(modesOf(set)).toEqual(['cache-unavailable', 'log-unavailable']);
  expect(modesOf(set)).toBe(modesOf(set));
});

test('a read says in which modes it was answered, in its body and in a header', async () => {
  platform.modes = ['cache-unavailable', 'durable-slow'];
  const answer = await read();
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-millrace-degraded')).toBe('cache-unavailable, durable-slow');
  expect(await answer.json()).toMatchObject({
    rows: [{ departures: 3 }],
    degraded: ['cache-unavailable', 'durable-slow'],
  });
  const ready = await fetch(`${gateway.url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { status: 'ready', degraded: ['cache-unavailable', 'durable-slow'] },
  ]);
});

test('where all is as usual, nothing is said of it', async () => {
  const answer = await read();
  expect(answer.headers.has('x-millrace-degraded')).toBe(false);
  expect(await answer.json()).not.toHaveProperty('degraded');
  expect(await (await fetch(`${gateway.url}/readyz`)).json()).toEqual({ status: 'ready' });
});

test('waitMs is a whole number of milliseconds, not below 0', async () => {
  expect((await read({ after: 'raw.flights@0:1', waitMs: 20 })).status).toBe(200);
  expect(platform.calls.at(-1)?.args[0]).toMatchObject({ after: 'raw.flights@0:1', waitMs: 20 });
  for (const waitMs of [-1, 1.5, '20', null])
    expect((await read({ after: 'raw.flights@0:1', waitMs })).status).toBe(400);
});
