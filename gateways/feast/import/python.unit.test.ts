/** Which Python is plain arithmetic, and what it means; all else is left alone. */
import { expect, test } from 'vitest';
import { formatExpr } from '#domain/expressions/format.ts';
import { translate } from './python.ts';

const INPUTS = new Map(['a', 'b', 'c'].map((name) => [name, name]));
const outputs = (...lines: readonly string[]): Record<string, string> | null => {
  const body = [
    '@on_demand_feature_view(sources=[x], schema=[])',
    'def f(inputs: pd.DataFrame) -> pd.DataFrame:',
    ...lines.map((line) => `    ${line}`),
  ];
  const found = translate(`${body.join('\n')}\n`, INPUTS);
  return found === null
    ? null
    : Object.fromEntries([...found].map(([name, expr]) => [name, formatExpr(expr)]));
};
const one = (expression: string): string | undefined =>
  outputs('df = pd.DataFrame()', `df["o"] = ${expression}`, 'return df')?.o;

test('arithmetic with the precedence of Python', () => {
  expect(one('inputs["a"] + inputs[\'b\'] * 2')).toBe('a + b * 2');
  expect(one('(inputs["a"] - inputs["b"]) - inputs["c"]')).toBe('a - b - c');
  expect(one('inputs["a"] - (inputs["b"] - inputs["c"])')).toBe('a - (b - c)');
  expect(one('inputs["a"] / 2 / 1.5e3')).toBe('a / 2 / 1500');
  expect(one('-inputs["a"] * -(1 + .5)')).toBe('-a * -(1 + 0.5)');
  expect(one('inputs["a"].fillna(0) + 1')).toBe('coalesce(a, 0) + 1');
});

test('locals, outputs that others use, comments, a docstring, frames that are dictionaries', () => {
  const lines = [
    '"""What it does."""',
    'out = {}',
    '# a comment',
    'twice = inputs["a"] * 2  # and one',
    'out["x"] = twice',
    "out['y'] = out['x'] + 1",
    '',
    'return out',
  ];
  expect(outputs(...lines)).toEqual({ x: 'a * 2', y: 'a * 2 + 1' });
});

test('one line that is not plain arithmetic, and nothing of the function is taken', () => {
  for (const expression of [
    'inputs["unknown"]',
    'inputs["a"].str.upper()',
    'inputs["a"].astype(float)',
    'inputs["a"] ** 2',
    'inputs["a"] // 2',
    'inputs["a"] % 2',
    'inputs["a"] if True else 1',
    'inputs["a"] > 2',
    'np.log(inputs["a"])',
    'other',
    'inputs',
    '(inputs["a"]',
    'inputs["a"] +',
    '"text"',
    'inputs["a"] inputs["b"]',
  ])
    expect(one(expression), expression).toBeUndefined();
  expect(outputs('df = pd.DataFrame()', 'df["o"] = inputs["a"]')).toBeNull();
  expect(
    outputs('df = pd.DataFrame()', 'if True:', '    df["o"] = inputs["a"]', 'return df'),
  ).toBeNull();
  expect(outputs('df = pd.DataFrame()', 'df["o"] += inputs["a"]', 'return df')).toBeNull();
  expect(outputs('df = pd.DataFrame()', 'return df', 'df["o"] = 1')).toBeNull();
  expect(outputs('df = inputs', 'df["o"] = inputs["a"]', 'return df')).toBeNull();
  expect(translate('', INPUTS)).toBeNull();
  expect(translate('f = lambda inputs: inputs\n', INPUTS)).toBeNull();
});
