/** The reference of definitions is generated from the code, and leaves nothing out. */
import { readFileSync } from 'node:fs';
import * as millrace from 'millrace';
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '#domain/aggregations/table.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { col, type Expression } from '#domain/expressions/build.ts';
import { FUNCTIONS } from '#domain/expressions/functions.ts';
import { METHODS } from '#scripts/generate/definitions/expressions.ts';
import { BUILDER_NAMES } from '#scripts/generate/definitions/options.ts';
import { DEFINITIONS_PAGE, definitionsPage } from '#scripts/generate/definitions-page.ts';

const page = readFileSync(DEFINITIONS_PAGE, 'utf8');

test('docs/guides/definitions.md is generated (node scripts/generate/definitions-page.ts)', () => {
  expect(page).toBe(definitionsPage());
});

test('every aggregation has a builder, and every export of millrace is in the page', () => {
  const exported = new Set(Object.keys(millrace));
  expect([...AGGREGATIONS.keys(), ...BUILDER_NAMES].filter((name) => !exported.has(name))).toEqual(
    [],
  );
  const words = new Set(page.match(/\w+/g));
  expect([...exported].filter((name) => !words.has(name))).toEqual([]);
});

test('every function of expressions has a method in the page, and every method a type', () => {
  const used = new Set<string>();
  const visit = (expr: Expr): void => {
    if (expr.op !== 'call') return;
    used.add(expr.fn);
    expr.args.forEach(visit);
  };
  const [x, y, z] = [col('x'), col('y'), col('z')];
  for (const { call } of Object.values(METHODS)) visit(call(x, y, z) as Expression);
  expect([...FUNCTIONS.keys()].filter((name) => !used.has(name))).toEqual([]);
  const rows = page.split('\n').filter((line) => line.startsWith('| `x.'));
  expect(rows.filter((row) => !/ → /.test(row))).toEqual([]);
  expect(rows).toHaveLength(Object.keys(METHODS).length);
});

test('every method of expressions is in the page', () => {
  const methods = Object.keys(Object.getPrototypeOf(col('x')) as object);
  expect(methods.filter((name) => !page.includes(`| \`x.${name}(`))).toEqual([]);
  expect(methods.length).toBeGreaterThan(40);
});
