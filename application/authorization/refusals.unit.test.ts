/**
 * Every refusal is in the store, one by one or counted, and whoever knocks without end fills
 * neither the store nor the memory.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AccessRefusal } from '#domain/ports/access.ts';
import type { Commit, NewCommit } from '#domain/ports/event-store.ts';
import { createRefusals } from './refusals.ts';

const refusal = (more: Partial<AccessRefusal> = {}): AccessRefusal => ({
  actor: 'ann',
  command: 'read',
  subject: 'feature-view/v',
  code: 'MR_FORBIDDEN',
  message: 'no',
  ...more,
});

let time = 0;
const store = () => {
  const commits: NewCommit[] = [];
  return {
    commits,
    append: async (commit: NewCommit): Promise<Commit> => {
      commits.push(commit);
      return { ...commit, position: commits.length, version: 0 };
    },
  };
};
const made = (kinds = 3, warn: (message: string) => void = () => {}) => {
  const eventStore = store();
  let ids = 0;
  const refusals = createRefusals({
    eventStore,
    now: () => time,
    newId: () => `c${++ids}`,
    warn,
    windowMs: 60_000,
    kinds,
    kindsOfAddress: kinds,
    addresses: 4,
  });
  return { ...refusals, commits: eventStore.commits };
};
/** How many refusals a commit tells of. */
const tells = ({ command }: NewCommit): number =>
  (command.data as { repeated?: number }).repeated ?? 1;

beforeEach(() => {
  vi.useFakeTimers();
  time = 1_000;
});
afterEach(() => void vi.useRealTimers());

test('the first of a kind is written at once; those after it are one record at the end of the window, with their number and times', async () => {
  const { record, commits } = made();
  record(refusal({ address: '10.0.0.7' }));
  expect(commits).toMatchObject([
    {
      stream: 'feature-view/v',
      events: [],
      refusal: { code: 'MR_FORBIDDEN', message: 'no' },
      command: { type: 'read', actor: 'ann', time: 1_000, data: { address: '10.0.0.7' } },
    },
  ]);
  for (let i = 0; i < 1_000; i++) record(refusal({ address: '10.0.0.7' }));
  expect(commits.length).toBe(1);
  time = 61_000;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(commits.length).toBe(2);
  expect(commits[1]?.command.data).toEqual({
    address: '10.0.0.7',
    repeated: 1_000,
    since: 1_000,
    until: 61_000,
  });
  record(refusal({ address: '10.0.0.7' }));
  expect(commits.length, 'a new window, a first again').toBe(3);
});

test('where more kinds come than a window has room for, the rest is one record', async () => {
  const { record, flush, commits } = made(3);
  for (let i = 0; i < 10_000; i++)
    record(refusal({ subject: `address/10.0.${i >> 8}.${i & 255}`, code: 'MR_UNAUTHENTICATED' }));
  await flush();
  expect(commits.length).toBe(4);
  expect(commits[3]).toMatchObject({
    stream: 'access/various',
    refusal: { code: 'MR_UNAUTHENTICATED' },
    command: { data: { repeated: 9_997 } },
  });
});

test('refusals before authentication push out neither those of principals nor of other addresses', async () => {
  const { record, flush, commits } = made(3);
  const page = (n: number, address: string) =>
    refusal({
      actor: 'page',
      subject: `origin/http://${n}.example`,
      code: 'MR_ORIGIN_REFUSED',
      beforeAuthentication: true,
      address,
    });
  for (let i = 0; i < 1_000; i++) record(page(i, '10.0.0.1'));
  for (let i = 0; i < 4; i++) record(refusal({ principal: `access-key/${i}` }));
  record(page(0, '10.0.0.2'));
  const shown = commits.slice(3).map(({ stream }) => stream);
  expect(shown).toEqual([...Array(4).fill('feature-view/v'), 'origin/http://0.example']);
  await flush();
  expect(commits.at(-1)).toMatchObject({
    stream: 'address/10.0.0.1',
    command: { data: { repeated: 997, address: '10.0.0.1' } },
  });
});

test('a principal that is refused without end hides nothing of another one', async () => {
  const { record, flush, commits } = made(3);
  for (let i = 0; i < 1_000; i++)
    record(refusal({ principal: 'access-key/a', subject: `feature-view/v${i}` }));
  record(refusal({ principal: 'access-key/b' }));
  expect(commits.map(({ command }) => command.principal)).toEqual([
    ...Array(3).fill('access-key/a'),
    'access-key/b',
  ]);
  await flush();
  expect(commits.at(-1)).toMatchObject({
    stream: 'access-key/a',
    command: { actor: 'ann', principal: 'access-key/a', data: { repeated: 997 } },
  });
});

test('many addresses have one record together', async () => {
  const { record, flush, commits } = made(3);
  for (let i = 0; i < 1_000; i++)
    record(
      refusal({
        subject: 'address/x',
        address: `10.0.${i >> 8}.${i & 255}`,
        beforeAuthentication: true,
      }),
    );
  await flush();
  expect(commits.length).toBe(5);
  expect(commits.at(-1)).toMatchObject({
    stream: 'access/various',
    command: { data: { repeated: 996 } },
  });
});

test('whatever comes, none is lost, and the records are bounded by the windows', () => {
  const kind = fc.record({
    actor: fc.constantFrom('a', 'b'),
    subject: fc.constantFrom('s/1', 's/2', 's/3'),
    command: fc.constantFrom('read', 'use'),
  });
  const step = fc.oneof(
    { weight: 9, arbitrary: kind },
    { weight: 1, arbitrary: fc.constant('end of window' as const) },
  );
  return fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
      const { record, flush, commits } = made(4);
      let windows = 1;
      for (const one of steps) {
        if (one !== 'end of window') record(refusal(one));
        else {
          await flush();
          windows++;
        }
      }
      await flush();
      const asked = steps.filter((one) => one !== 'end of window').length;
      expect(commits.reduce((n, commit) => n + tells(commit), 0)).toBe(asked);
      expect(commits.length).toBeLessThanOrEqual(windows * (2 * 4 + 1));
    }),
  );
});

test('what a caller sent is cut, and a store that fails is told, not thrown at the caller', async () => {
  const { record, written, commits } = made();
  record(refusal({ subject: `feature-view/${'x'.repeat(5_000)}` }));
  expect(commits[0]?.stream.length).toBeLessThan(200);
  await written();
  const warned: string[] = [];
  const broken = createRefusals({
    eventStore: { append: () => Promise.reject(new Error('down')) },
    now: () => time,
    newId: () => 'c',
    warn: (message) => warned.push(message),
  });
  broken.record(refusal());
  await broken.close();
  expect(warned).toEqual([expect.stringContaining('MR_FORBIDDEN')]);
});
