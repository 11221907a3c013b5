/**
 * Each dialect has a row for every base type, expression function, partial state and aggregation,
 * or says why not. The tables are keyed by unions, so a missing row does not compile; these tests
 * check that the unions name exactly what the TypeScript tables contain.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BoundAggregation } from '#domain/aggregations/aggregation.ts';
import { AGGREGATIONS } from '#domain/aggregations/table.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { FUNCTIONS } from '#domain/expressions/functions.ts';
import { fieldType, SCALAR_TYPES } from '#domain/values/field-type.ts';
import type { Value } from '#domain/values/value.ts';
import { vectorPath } from '#tests/vectors/generate.ts';
import type { Dialect, NotSupported, PartialPrinter, ValuePrinter } from './dialect.ts';
import { DIALECTS } from './dialects.ts';
import { FLINK } from './flink/dialect.ts';
import { expressionSql } from './print-expression.ts';

const PARAMETERS: Readonly<Record<string, Readonly<Record<string, Value>>>> = {
  firstK: { k: 3 },
  lastK: { k: 3 },
  histogram: { edges: [0, 10] },
  topK: { k: 3 },
  approxPercentile: { q: 0.5 },
  approxTopK: { k: 3 },
};

/** Every aggregation over every scalar type that it accepts. */
const bindings = (): readonly BoundAggregation[] =>
  [...AGGREGATIONS.values()].flatMap((aggregation) =>
    SCALAR_TYPES.flatMap((base) => {
      try {
        return [aggregation.bind(fieldType(base), PARAMETERS[aggregation.name] ?? {})];
      } catch {
        return [];
      }
    }),
  );

const reasonOf = (row: object): string | null =>
  'notSupported' in row ? (row as NotSupported).notSupported : null;

const INPUT = {
  value: 'x',
  condition: 'c',
  eventTime: 'event_time',
  partition: 'mr_partition',
  offset: 'mr_offset',
};

describe.each(DIALECTS.map((dialect): [string, Dialect] => [dialect.name, dialect]))(
  '%s',
  (_, dialect) => {
    test('has a type for every base type', () => {
      expect(Object.keys(dialect.types).toSorted()).toEqual([...SCALAR_TYPES].toSorted());
    });

    test('has a row for every expression function', () => {
      expect(Object.keys(dialect.functions).toSorted()).toEqual([...FUNCTIONS.keys()].toSorted());
    });

    test('has a row for every aggregation', () => {
      expect(Object.keys(dialect.values).toSorted()).toEqual([...AGGREGATIONS.keys()].toSorted());
    });

    test('has a row for exactly the partial states that the aggregations keep', () => {
      const kept = new Set(bindings().flatMap(({ partials }) => partials.map((p) => p.form.kind)));
      expect(Object.keys(dialect.partials).toSorted()).toEqual([...kept].toSorted());
    });

    test('gives a reason for each row that it does not support', () => {
      const rows = [dialect.functions, dialect.partials, dialect.values].flatMap((table) =>
        Object.values<object>(table),
      );
      expect(rows.map(reasonOf).filter((reason) => reason === '')).toEqual([]);
    });

    test('prints one expression for each slot of a lifted and of a merged state', () => {
      for (const { partials } of bindings())
        for (const { form, nums, refs } of partials) {
          const printer = dialect.partials[form.kind];
          if (reasonOf(printer) !== null) continue;
          const { lift, merge } = printer as PartialPrinter;
          const slots = [...nums, ...refs].map((slot) => slot.name);
          for (const printed of [lift(form, INPUT), merge(form, slots, 'c')]) {
            const columns = printed.aggregates.map((_, i) => `a${i}`);
            expect(printed.slots(columns)).toHaveLength(slots.length);
          }
        }
    });

    test('prints the value of every aggregation', () => {
      for (const { form, partials, type } of bindings()) {
        const printer = dialect.values[form.aggregation];
        if (reasonOf(printer) !== null) continue;
        const states = partials.map(({ nums, refs }) =>
          [...nums, ...refs].map((slot) => slot.name),
        );
        expect((printer as ValuePrinter)(form, states, type)).not.toMatch(/undefined|\[object/);
      }
    });
  },
);

const plus = {
  op: 'call',
  fn: 'add',
  args: [
    { op: 'col', name: 'x' },
    { op: 'lit', value: 1 },
  ],
} as Expr;

test('an expression that a dialect does not support is refused with the reason', () => {
  const without = {
    ...FLINK,
    name: 'Small',
    functions: { ...FLINK.functions, add: { notSupported: 'it cannot add' } },
  };
  expect(() => expressionSql(without, plus, { columns: { x: fieldType('long') } })).toThrow(
    'add is not supported in Small SQL: it cannot add',
  );
});

/** Every expression function over up to two columns of every type, with each literal it takes. */
const expressions = (): readonly string[] => {
  const columns = Object.fromEntries(SCALAR_TYPES.map((base) => [`c_${base}`, fieldType(base)]));
  const operands: readonly Expr[] = [
    ...Object.keys(columns).map((name): Expr => ({ op: 'col', name })),
    ...[...SCALAR_TYPES, 'day', 1].map((value): Expr => ({ op: 'lit', value })),
  ];
  const tuples = operands.flatMap((a) => [[a], ...operands.map((b) => [a, b])]);
  const [text, int] = operands as [Expr, Expr];
  tuples.push([text, text, text], [text, int, int]);
  return [...FUNCTIONS.keys()].flatMap((fn) =>
    tuples.flatMap((args) => {
      try {
        return [expressionSql(FLINK, { op: 'call', fn, args }, { columns })];
      } catch {
        return [];
      }
    }),
  );
};

test('every Java function that Flink expressions and partial states call has shared vectors', () => {
  const lifted = bindings().flatMap(({ partials }) =>
    partials.flatMap(
      ({ form }) => (FLINK.partials[form.kind] as PartialPrinter).lift(form, INPUT).aggregates,
    ),
  );
  const called = new Set(
    [...expressions(), ...lifted].flatMap((sql) => sql.match(/\bMR_[A-Z0-9_]+(?=\()/g) ?? []),
  );
  const vectors = ['scalars.jsonl', 'aggregates.jsonl'].flatMap((file) =>
    [...readFileSync(vectorPath(file), 'utf8').matchAll(/"function":"(\w+)"/g)].map(([, f]) => f),
  );
  expect(called.size).toBeGreaterThan(30);
  expect([...called].filter((name) => !vectors.includes(name))).toEqual([]);
});
