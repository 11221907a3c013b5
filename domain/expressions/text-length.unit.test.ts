/** A text that an expression makes is bounded: a longer one is null, as a number that overflows. */
import { expect, test } from 'vitest';
import { parseFieldType } from '../values/field-type.ts';
import { col } from './build.ts';
import { compileExpr } from './compile.ts';
import { MAX_TEXT } from './functions-text.ts';

const scope = { columns: { s: parseFieldType('string') } };
const half = 'x'.repeat(MAX_TEXT / 2);

test('joined texts', () => {
  const twice = compileExpr(col('s').concat(col('s')), scope);
  expect(twice({ s: half })).toHaveLength(MAX_TEXT);
  expect(twice({ s: `${half}x` })).toBe(null);
});

test('a chain of joined texts does not grow', () => {
  const link = compileExpr(col('s').concat(col('s')), scope);
  let text: ReturnType<typeof link> = 'x';
  for (let i = 0; i < 40; i++) text = link({ s: text });
  expect(text).toBe(null);
});

test('replaced texts', () => {
  const longer = compileExpr(col('s').replace('x', 'yyy'), scope);
  expect(longer({ s: 'x'.repeat(100) })).toHaveLength(300);
  expect(longer({ s: half })).toBe(null);
  const shorter = compileExpr(col('s').replace('xx', 'y'), scope);
  expect(shorter({ s: half })).toHaveLength(MAX_TEXT / 4);
});
