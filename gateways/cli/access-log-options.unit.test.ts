/** What `serve` takes as shares of the access log. */
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { accessLogOf } from './access-log-options.ts';

const of = (...accessLogSample: readonly string[]) =>
  accessLogOf({ accessLog: 'a', accessLogSample });

test('all requests are logged, unless a share is named, for all or for a namespace', () => {
  expect(accessLogOf({})).toBe(null);
  const none = new Map();
  expect(accessLogOf({ accessLog: 'a' })).toEqual({
    file: resolve('a'),
    samples: { others: 1, byNamespace: none },
  });
  expect(of('0.1')?.samples).toEqual({ others: 0.1, byNamespace: none });
  expect(of('payments=1', '0', 'fraud=.5')?.samples).toEqual({
    others: 0,
    byNamespace: new Map([
      ['payments', 1],
      ['fraud', 0.5],
    ]),
  });
});

test.each([
  ['2'],
  ['-1'],
  ['1e-3'],
  ['x'],
  [''],
  ['payments='],
  ['payments=2'],
  ['Payments=1'],
  ['0.1', '0.2'],
  ['payments=1', 'payments=0'],
])('%j %j is refused', (...shares) => {
  expect(() => of(...shares)).toThrow(/--access-log-sample/);
});

test('shares without a file are refused', () => {
  expect(() => accessLogOf({ accessLogSample: ['1'] })).toThrow(/--access-log, which is missing/);
});
