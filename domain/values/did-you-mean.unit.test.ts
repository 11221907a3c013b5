import { expect, it } from 'vitest';
import { didYouMean } from './did-you-mean.ts';

const NAMES = ['delay', 'distance', 'destination', 'origin', 'date', 'x', 'y'];

it.each([
  ['dely', 'delay'],
  ['dealy', 'delay'],
  ['Delay', 'delay'],
  ['distnace', 'distance'],
  ['destinaton', 'destination'],
  ['orign', 'origin'],
  ['carrier', null],
  ['z', null],
  ['delay', null],
  ['', null],
  ['d'.repeat(10_000), null],
])('%s: %s', (word, name) => expect(didYouMean(word, NAMES)).toBe(name));
