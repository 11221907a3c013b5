/**
 * Parses expressions from JSON: every node is checked, and depth and size are bounded before other
 * code walks the tree.
 */
import { fail } from '#domain/errors.ts';
import type { Scalar } from '#domain/values/value.ts';
import type { Expr } from './ast.ts';
import { functionRow } from './typecheck.ts';

export const MAX_DEPTH = 100;
export const MAX_NODES = 5_000;
export const MAX_LITERAL = 10_000;

type Json = Readonly<Record<string, unknown>>;

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

const invalid = (path: string, what: string): never =>
  fail('MR_EXPRESSION_INVALID', `${path}: ${what.endsWith('?') ? what : `${what}.`}`, { path });

function onlyKeys(value: Json, keys: readonly string[], path: string): void {
  for (const key of Object.keys(value)) {
    if (!keys.includes(key))
      invalid(path, `has ${JSON.stringify(key)}, which a node ${show(value.op)} does not have`);
  }
}

function list(value: unknown, path: string): readonly unknown[] {
  return Array.isArray(value) ? value : invalid(path, `must be a list, is ${show(value)}`);
}

function name(value: unknown, path: string): string {
  if (typeof value === 'string' && /^(?!__)[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(value)) return value;
  return invalid(path, `must be a name (letters, digits, underscores), is ${show(value)}`);
}

function literal(value: unknown, path: string): Scalar | null {
  if (
    value === null ||
    typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isFinite(value))
  )
    return value;
  if (typeof value === 'string' && value.length <= MAX_LITERAL) return value;
  return invalid(
    path,
    `must be null, a boolean, a finite number or a string of at most ${MAX_LITERAL} characters, is ${show(value)}`,
  );
}

/** @throws MillraceError MR_EXPRESSION_INVALID naming the path and the value */
export function parseExpr(value: unknown, path: string): Expr {
  let nodes = 0;
  const node = (value: unknown, path: string, depth: number): Expr => {
    if (depth > MAX_DEPTH)
      return invalid(path, `the expression is deeper than ${MAX_DEPTH} levels`);
    if (++nodes > MAX_NODES)
      return invalid(path, `the expression has more than ${MAX_NODES} nodes`);
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      return invalid(path, `must be an expression, is ${show(value)}`);
    const { op, ...rest } = value as Json;
    switch (op) {
      case 'col':
      case 'input':
        onlyKeys(value as Json, ['op', 'name'], path);
        return { op, name: name(rest.name, `${path}.name`) };
      case 'lit':
        onlyKeys(value as Json, ['op', 'value'], path);
        return { op, value: literal(rest.value, `${path}.value`) };
      case 'call': {
        onlyKeys(value as Json, ['op', 'fn', 'args'], path);
        if (typeof rest.fn !== 'string')
          return invalid(`${path}.fn`, `must name a function, is ${show(rest.fn)}`);
        const args = list(rest.args, `${path}.args`).map((arg, i) =>
          node(arg, `${path}.args[${i}]`, depth + 1),
        );
        const call = { op, fn: rest.fn, args } as const;
        try {
          functionRow(call);
        } catch (error) {
          invalid(path, (error as Error).message.replace(/\.$/, ''));
        }
        return call;
      }
      case 'when': {
        onlyKeys(value as Json, ['op', 'branches', 'otherwise'], path);
        const branches = list(rest.branches, `${path}.branches`).map((branch, i) => {
          const at = `${path}.branches[${i}]`;
          const pair = list(branch, at);
          if (pair.length !== 2)
            return invalid(at, `must be [condition, value], has ${pair.length} parts`);
          return [
            node(pair[0], `${at}[0]`, depth + 1),
            node(pair[1], `${at}[1]`, depth + 1),
          ] as const;
        });
        if (branches.length === 0) return invalid(`${path}.branches`, 'must have a branch');
        return { op, branches, otherwise: node(rest.otherwise, `${path}.otherwise`, depth + 1) };
      }
      default:
        return invalid(`${path}.op`, `must be col, lit, input, call or when, is ${show(op)}`);
    }
  };
  return node(value, path, 0);
}
