import { expect, test } from 'vitest';
import { createHeapGuard } from './heap-guard.ts';

/** A heap of 1000 bytes, of which `live` stay when garbage is collected. */
const heapOf = () => {
  const heap = { live: 0, garbage: 0, collections: 0 };
  const guard = createHeapGuard({
    used: () => heap.live + heap.garbage,
    limit: 1000,
    collect() {
      heap.collections++;
      heap.garbage = 0;
    },
  });
  const look = (live: number, garbage: number): boolean => {
    Object.assign(heap, { live, garbage });
    guard.look();
    return guard.low();
  };
  return { heap, look };
};

test('garbage alone is not a lack of memory, and is collected only after the heap has grown', () => {
  const { heap, look } = heapOf();
  expect(look(100, 600)).toBe(false);
  expect(heap.collections).toBe(0);
  expect(look(100, 750)).toBe(false);
  expect(heap.collections).toBe(1);
  expect(look(760, 70)).toBe(false);
  expect(heap.collections).toBe(2);
  for (let i = 0; i < 50; i++) expect(look(760, 49)).toBe(false);
  expect(heap.collections).toBe(2);
});

test('memory is low above the mark, until enough of it is free again', () => {
  const { look } = heapOf();
  expect(look(810, 10)).toBe(true);
  expect(look(790, 0)).toBe(true);
  expect(look(740, 0)).toBe(false);
  expect(look(790, 0)).toBe(false);
});

test('what became garbage while memory was low is found now and then', () => {
  const { heap, look } = heapOf();
  expect(look(900, 0)).toBe(true);
  for (let i = 1; i < 100; i++) expect(look(500, 400)).toBe(true);
  expect(heap.collections).toBe(1);
  expect(look(500, 400)).toBe(false);
  expect(heap.collections).toBe(2);
});
