import { expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { MillraceError } from '#domain/errors.ts';
import { recompute } from './erase-others.ts';

/** A replay that computes nothing, as with a full disk. */
const stuckPlatform = (abandon: () => Promise<unknown>) => {
  const actions: string[] = [];
  const replay = { id: 'r1', view: 'sold', state: 'filling', events: 3, error: null };
  const platform = {
    replays: {
      list: async () => [],
      start: async () => replay,
      get: async () => replay,
      change: (_: string, action: string) => {
        actions.push(action);
        return abandon();
      },
    },
    operations: { status: async () => ({ views: [{ view: 'sold', error: 'the disk is full' }] }) },
  } as unknown as Pick<Platform, 'replays' | 'operations'>;
  return { platform, actions };
};

test('a replay that makes no progress is abandoned, and named with the cause', async () => {
  const { platform, actions } = stuckPlatform(async () => ({}));
  const found = await recompute(platform, 'sold', { reason: 'r', stuckAfterMs: 1 });
  expect(actions).toEqual(['abandon']);
  expect(found).toEqual({
    recomputed: [],
    remains: [
      {
        what: 'values of other entities of the view sold, all',
        why: expect.stringContaining('replay r1 made no progress (the disk is full)'),
      },
    ],
  });
});

test('one that cannot be abandoned either ends the wait all the same', async () => {
  const { platform } = stuckPlatform(async () => {
    throw new MillraceError('MR_STORAGE_FAILED', 'no space');
  });
  const { remains } = await recompute(platform, 'sold', { reason: 'r', stuckAfterMs: 1 });
  expect(remains[0]?.why).toContain('could not be abandoned: no space');
});
