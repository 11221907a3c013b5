import { expect, test } from 'vitest';
import type { WantedView } from '#domain/ports/engine.ts';
import { keysOfTopics } from './sorted-by-keys.ts';

const view = (name: string, source: string, ...fields: string[]): WantedView =>
  ({
    view: name,
    generations: [{ spec: { plan: { source, keys: fields.map((field) => ({ field })) } } }],
    gone: [],
  }) as unknown as WantedView;

test('a source is sorted by the keys of most of its views', () => {
  expect(
    keysOfTopics([
      view('a', 'flights', 'origin'),
      view('b', 'flights', 'plane'),
      view('c', 'flights', 'plane'),
      view('d', 'orders', 'user'),
    ]),
  ).toEqual({ 'raw.flights': ['plane'], 'raw.orders': ['user'] });
});

test('keys that begin with the most used ones serve both', () => {
  expect(
    keysOfTopics([
      view('a', 'flights', 'origin'),
      view('b', 'flights', 'origin', 'destination'),
      view('c', 'flights', 'plane'),
    ]),
  ).toEqual({ 'raw.flights': ['origin', 'destination'] });
});

test('a view without a generation counts for nothing', () => {
  expect(keysOfTopics([{ view: 'a', generations: [], gone: [1] }])).toEqual({});
});
