/** What `apply` says: while the server works, and while new views are filled. */
import { afterEach, expect, test, vi } from 'vitest';
import type { EngineJob, PlatformStatus } from '#domain/api/operations.ts';
import type { PlannedChange } from '#domain/api/registry.ts';
import { announcing, changedViews, sayUnfinished, untilLive } from './apply-progress.ts';
import type { Context } from './context.ts';

type View = PlatformStatus['views'][number];

const job = (state: string, doing?: string): EngineJob => ({
  name: 'millrace-compute-totals-g1',
  state,
  restarts: 0,
  failure: null,
  checkpointAt: null,
  ...(doing === undefined ? {} : { doing }),
});
const view = (more: Partial<View>): View => ({
  view: 'totals',
  version: 1,
  generation: null,
  state: 'filling',
  readable: true,
  entities: 0,
  tiles: 0,
  late: 0,
  eventTime: null,
  position: '',
  lag: 0,
  error: null,
  ...more,
});

/** A server whose status is each of these in turn; the last one stays. */
const server = (...states: readonly Partial<PlatformStatus>[]) => {
  const said: string[] = [];
  let calls = 0;
  const context = {
    client: {
      get: async () => states[Math.min(calls++, states.length - 1)],
    },
    message: (text: string) => void said.push(text),
  } as unknown as Context;
  return { said, context, calls: () => calls };
};

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('a wait says what happens to the view, and what is done with the jobs that it shares', async () => {
  vi.useFakeTimers();
  const shared = {
    ...job('RUNNING', 'stopping it with a savepoint'),
    name: 'millrace-materialize',
  };
  const { said, context } = server(
    { views: [view({ job: job('starting', 'planning and submitting the job') })], jobs: [shared] },
    { views: [view({ lag: 7, job: job('RUNNING') })], jobs: [job('RUNNING')] },
    { views: [view({ state: 'live' })] },
  );
  const done = untilLive(context, ['totals']);
  await vi.advanceTimersByTimeAsync(5_000);
  await done;
  expect(said).toEqual([
    'view totals can be read, from raw events until it is filled (millrace-compute-totals-g1: planning and submitting the job; millrace-materialize: stopping it with a savepoint)',
    'view totals can be read, from raw events until it is filled (7 to read; millrace-compute-totals-g1: RUNNING)',
    'view totals is live',
  ]);
});

test('a wait without news says every two seconds that it goes on', async () => {
  vi.useFakeTimers();
  const state = { views: [view({ readable: false })] };
  const { said, context, calls } = server(...Array(13).fill(state), { views: [] });
  const done = untilLive(context, ['totals']);
  await vi.advanceTimersByTimeAsync(10_000);
  await done;
  expect(calls()).toBe(14);
  expect(said.filter((text) => text === 'view totals is being filled').length).toBe(4);
  expect(said.at(-1)).toBe('view totals is applied; its progress needs the right to operate it');
});

test('a view that does not compute ends the wait with its error', async () => {
  const { context } = server({ views: [view({ state: 'stalled', error: 'no slot is free' })] });
  await expect(untilLive(context, ['totals'])).rejects.toMatchObject({
    code: 'MR_ENGINE_FAILED',
    message: 'view totals does not compute: no slot is free',
  });
});

test('without a wait, what is not live is said once; a caller without the right sees nothing', async () => {
  const { said, context } = server({ views: [view({}), view({ view: 'other' })] });
  await sayUnfinished(context, ['totals']);
  expect(said).toEqual(['view totals can be read, from raw events until it is filled']);
  const refused = { ...context, client: { get: () => Promise.reject(new Error('no')) } };
  await sayUnfinished(refused as unknown as Context, ['totals']);
  expect(said.length).toBe(1);
});

test('an answer that is late is announced, then counted; an early one is not', async () => {
  vi.useFakeTimers();
  // The first line is due so long after the process started.
  vi.spyOn(process, 'uptime').mockReturnValue(10);
  const { said, context } = server();
  expect(await announcing(context, 'applying x', Promise.resolve(1))).toBe(1);
  const late = announcing(
    context,
    'applying x',
    new Promise((resolve) => setTimeout(resolve, 5_000)),
  );
  await vi.advanceTimersByTimeAsync(5_000);
  await late;
  expect(said).toEqual(['applying x', 'applying x: 2 s so far', 'applying x: 4 s so far']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(said.length).toBe(3);
});

test('new, revised and restored views are followed; nothing else is', () => {
  const change = (kind: PlannedChange['kind'], name: string, action: PlannedChange['action']) =>
    ({ kind, name, action }) as PlannedChange;
  expect(
    changedViews([
      change('source', 's', 'create'),
      change('feature-view', 'a', 'create'),
      change('feature-view', 'b', 'revise'),
      change('feature-view', 'c', 'unchanged'),
      change('feature-view', 'd', 'restore'),
      change('feature-view', 'e', 'retire'),
    ]),
  ).toEqual(['a', 'b', 'd']);
});
