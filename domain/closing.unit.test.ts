import { expect, test } from 'vitest';
import { closingAfter, closingOnFailure, type Opened } from './closing.ts';

const closed: string[] = [];
const two = async (opened: Opened): Promise<string> => {
  opened(() => closed.push('first'));
  opened(() => {
    closed.push('second');
    throw new Error('of the close');
  });
  return 'done';
};
const failing = async (opened: Opened): Promise<never> => {
  await two(opened);
  throw new Error('of the work');
};
const closes = async (work: () => Promise<unknown>): Promise<readonly unknown[]> => {
  closed.length = 0;
  const outcome = await work().catch((error: Error) => error.message);
  return [outcome, ...closed];
};

test('parts are closed in the reverse order, and the work decides the outcome', async () => {
  expect(await closes(() => closingAfter(two))).toEqual(['done', 'second', 'first']);
  expect(await closes(() => closingAfter(failing))).toEqual(['of the work', 'second', 'first']);
});

test('parts of what was opened stay open until it fails', async () => {
  expect(await closes(() => closingOnFailure(two))).toEqual(['done']);
  expect(await closes(() => closingOnFailure(failing))).toEqual(['of the work', 'second', 'first']);
});
