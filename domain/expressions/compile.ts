/**
 * Compiles expressions to JavaScript, once per definition, for the hot path.
 *
 * One function is generated for the whole tree. Each node becomes a local. Each column is read
 * once, by an access of its own, which is therefore monomorphic. The functions of the table are
 * specialized on the argument types and called through constants, so that V8 inlines them.
 *
 *   col('delay').gt(15)
 *   → const v0 = row["delay"] ?? null; const v1 = v0 === null ? null : f0(v0, 15); return v1;
 *
 * Names and literals enter the source as JSON, never as raw text. Without a scope there are no
 * types: arithmetic is then in doubles, and functions whose meaning depends on a type take
 * timestamps. Pass the scope if there is one.
 */

import { fail } from '#domain/errors.ts';
import type { FieldType, Row, Value } from '#domain/values/value.ts';
import type { Expr } from './ast.ts';
import type { Argument, Implementation } from './function-row.ts';
import { argumentsOf, functionRow, infer, type Scope } from './typecheck.ts';

export type Compiled = (row: Row) => Value;

const quote = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);

const UNTYPED: FieldType = { base: 'double', array: false, nullable: true };
const UNTYPED_TIME: FieldType = { base: 'timestamp', array: false, nullable: true };

interface Emitter {
  readonly lines: string[];
  readonly functions: Implementation[];
  /** columns and inputs that are already read, by name */
  readonly reads: Map<string, string>;
  locals: number;
}

function untyped(expr: Expr & { readonly op: 'call' }): readonly Argument[] {
  if (expr.fn === 'cast') {
    return fail(
      'MR_EXPRESSION_INVALID',
      'compiling a cast needs the types of its columns or inputs.',
    );
  }
  const type = expr.fn === 'truncate' || expr.fn === 'hour' ? UNTYPED_TIME : UNTYPED;
  return expr.args.map((arg) => ({
    type,
    literal: arg.op === 'lit' ? arg.value : undefined,
    expr: arg,
  }));
}

/** Emits the statements that compute `expr`. @returns the local or literal that holds its value */
function emit(expr: Expr, out: Emitter, scope: Scope | undefined): string {
  switch (expr.op) {
    case 'lit':
      return quote(expr.value);
    case 'col':
    case 'input': {
      const known = out.reads.get(expr.name);
      if (known !== undefined) return known;
      const name = `v${out.locals++}`;
      out.lines.unshift(`const ${name} = row[${quote(expr.name)}] ?? null;`);
      out.reads.set(expr.name, name);
      return name;
    }
    case 'call': {
      const row = functionRow(expr);
      const args = expr.args.map((arg) => emit(arg, out, scope));
      const f = `f${out.functions.length}`;
      out.functions.push(row.js(scope ? argumentsOf(expr, row, scope) : untyped(expr)));
      const call = `${f}(${(row.name === 'in' ? args.slice(0, 1) : args).join(', ')})`;
      const nullable =
        row.nulls === 'strict'
          ? [...new Set(args.filter((a) => a === 'null' || a.startsWith('v')))]
          : [];
      const name = `v${out.locals++}`;
      out.lines.push(
        `const ${name} = ${nullable.length > 0 ? `${nullable.map((a) => `${a} === null`).join(' || ')} ? null : ` : ''}${call};`,
      );
      return name;
    }
    case 'when': {
      const name = `v${out.locals++}`;
      const branches = expr.branches.map(([condition, value]) => [
        emit(condition, out, scope),
        emit(value, out, scope),
      ]);
      const otherwise = emit(expr.otherwise, out, scope);
      out.lines.push(
        `const ${name} = ${branches.map(([c, v]) => `${c} === true ? ${v} : `).join('')}${otherwise};`,
      );
      return name;
    }
  }
}

/** @throws MillraceError where the expression does not fit the scope */
export function compileExpr(expr: Expr, scope?: Scope): Compiled {
  if (scope !== undefined) infer(expr, scope);
  const out: Emitter = { lines: [], functions: [], reads: new Map(), locals: 0 };
  const result = emit(expr, out, scope);
  const names = out.functions.map((_, i) => `f${i}`);
  const make = new Function(
    ...names,
    `'use strict'; return (row) => { ${out.lines.join('\n')}\nreturn ${result}; };`,
  ) as (...functions: Implementation[]) => Compiled;
  return make(...out.functions);
}

/** For on-demand features: the row has the inputs by name. */
export const compileInputs = compileExpr;
