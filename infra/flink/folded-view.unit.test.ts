/** Raw events answer for a new view, until its tiles have all that reads were told of. */
import { expect, test } from 'vitest';
import { modesOf } from '#domain/ports/degraded.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import { foldedView } from './folded-view.ts';

const served = {
  plan: { view: 'totals', source: 'sales' },
  version: 2,
  generation: 1,
  degraded: () => 1,
  fetch: async () => 'tiles',
  completeThrough: () => 3,
} as unknown as ServedView;

const open = () => {
  const at = { ends: [] as number[], visible: [] as number[], rows: 0 };
  const folded = foldedView({
    served,
    ends: () => at.ends,
    visible: () => at.visible,
    onFolded: (rows) => void (at.rows += rows),
  });
  return { at, folded };
};

test('no row has an answer from tiles; the rows are counted; nothing is degraded by the job', async () => {
  const { at, folded } = open();
  const tiles = await folded.served.fetch?.(['a', 'b'], 0);
  expect([tiles?.read(0, 0, [], []), tiles?.read(1, 0, [], [])]).toEqual([
    'needs-history',
    'needs-history',
  ]);
  expect(at.rows).toBe(2);
  expect(folded.served).toMatchObject({ version: 2, generation: 1 });
  expect(modesOf(folded.served.degraded())).toEqual([]);
  expect(folded.served.completeThrough(7)).toBe(7);
});

test('the position is the end of the log, until the view is live', () => {
  const { at, folded } = open();
  expect(folded.served.position()).toBe('raw.sales@');
  at.ends = [4, 0];
  expect(folded.served.position()).toBe('raw.sales@0:4,1:0');
  at.visible = [1, 0];
  folded.promoted();
  expect(folded.isOver()).toBe(false);
  at.ends = [9, 3];
  expect(folded.served.positions()).toEqual([
    { partition: 0, offset: 4 },
    { partition: 1, offset: 0 },
  ]);
});

test('an empty source: raw events answer until the first event is computed', async () => {
  const { at, folded } = open();
  [at.ends, at.visible] = [
    [0, 0],
    [0, 0],
  ];
  expect(await folded.served.fetch?.(['a'], 0)).not.toBe('tiles');
  folded.promoted();
  expect(folded.isOver()).toBe(false);
  expect(await folded.served.fetch?.(['a'], 0)).toBe('tiles');
  expect(folded.served.completeThrough(9)).toBe(3);
  at.ends = [7, 2];
  expect(await folded.served.fetch?.(['a'], 0)).not.toBe('tiles');
  expect([folded.isOver(), folded.served.position()]).toEqual([false, 'raw.sales@0:7,1:2']);
  at.visible = [3, 0];
  expect(folded.isOver()).toBe(false);
  at.ends = [9, 9];
  expect(folded.served.position()).toBe('raw.sales@0:7,1:2');
  at.visible = [7, 2];
  expect(folded.isOver()).toBe(true);
});

test('tiles answer once they have what the log had at the promotion, and not before it', () => {
  const { at, folded } = open();
  [at.ends, at.visible] = [
    [4, 2],
    [9, 9],
  ];
  expect(folded.isOver()).toBe(false);
  at.visible = [4, 1];
  folded.promoted();
  expect(folded.isOver()).toBe(false);
  at.ends = [50, 50];
  folded.promoted();
  at.visible = [4, 2];
  expect(folded.isOver()).toBe(true);
  at.visible = [];
  expect(folded.isOver()).toBe(true);
});
