/** The declared parameters are those that the aggregations check: bounds and defaults. */
import { describe, expect, test } from 'vitest';
import type { AggregationParams } from './aggregation.ts';
import { AGGREGATIONS, aggregationNamed } from './table.ts';

const DOUBLE = { base: 'double', array: false, nullable: true } as const;
/** The required parameters of an aggregation, at their least value. */
const requiredOf = (name: string): AggregationParams =>
  Object.fromEntries(
    aggregationNamed(name)
      .parameters.filter(({ fallback }) => fallback === null)
      .filter((parameter) => parameter.kind !== 'word')
      .map(({ name: parameter, kind, least }) => [
        parameter,
        kind === 'ascending numbers' ? [0] : least,
      ]),
  );
const bind = (name: string, more: AggregationParams = {}) =>
  aggregationNamed(name).bind(DOUBLE, { ...requiredOf(name), ...more });
/** What decides the values. */
const meaning = (name: string, more: AggregationParams = {}) => {
  const { form, partials } = bind(name, more);
  return JSON.stringify([form, partials.map(({ id }) => id)]);
};

const cases = [...AGGREGATIONS.values()].flatMap(({ name, parameters }) =>
  parameters.map((parameter) => ({ name, parameter, title: `${name}'s ${parameter.name}` })),
);

describe.each(cases)('$title', ({ name, parameter }) => {
  const { name: key, fallback } = parameter;
  test('has these bounds', () => {
    if (parameter.kind === 'word') {
      const meanings = parameter.words.map((word) => meaning(name, { [key]: word }));
      expect(new Set(meanings).size).toBe(parameter.words.length);
      for (const bad of ['x', 1, true]) expect(() => bind(name, { [key]: bad })).toThrow(key);
      return;
    }
    const { kind, least, most } = parameter;
    const list = (length: number) => Array.from({ length }, (_, i) => i);
    const of = kind === 'ascending numbers' ? list : (n: number) => n;
    const step = kind === 'number' ? 1e-9 : 1;
    for (const good of [least, most]) bind(name, { [key]: of(good) });
    for (const bad of [least - step, most + step]) {
      if (kind === 'ascending numbers' && bad < 0) continue;
      expect(() => bind(name, { [key]: of(bad) }), String(bad)).toThrow(key);
    }
    if (kind === 'whole number') expect(() => bind(name, { [key]: least + 0.5 })).toThrow(key);
    expect(() => bind(name, { [key]: 'x' })).toThrow(key);
  });

  test('has this default', () => {
    if (fallback === null)
      expect(() => aggregationNamed(name).bind(DOUBLE, {})).toThrow(new RegExp(key));
    else expect(meaning(name, { [key]: fallback })).toBe(meaning(name));
  });
});

test('without parameters, no aggregation needs any', () => {
  for (const { name, parameters } of AGGREGATIONS.values())
    if (parameters.every(({ fallback }) => fallback !== null)) bind(name);
});
