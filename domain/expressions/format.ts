/**
 * An expression as text, as a person would write it: `distance > 0 and carrier in ("AA", "DL")`,
 * `when(delay > 15, 1, otherwise 0)`. Messages, explanations, plans and lineage print with it.
 *
 * Two different trees never have the same text, if columns and inputs are not mixed in one tree. So
 * parentheses are printed wherever the order of the operators does not give the tree, names that
 * are words of the notation are in backticks, and the negation of a literal is `-(3)`, because `-3`
 * is the literal.
 */
import type { Expr } from './ast.ts';

/** How strongly an operator binds; an operand that binds less is in parentheses. */
const OR = 1;
const AND = 2;
const COMPARISON = 4;
const SUM = 5;
const PRODUCT = 6;
const TIGHTEST = 9;

interface Operator {
  readonly text: string;
  readonly binds: number;
  /** whether the left operand may be the same operator, or one that binds as strongly */
  readonly chains: boolean;
}

const comparison = (text: string): Operator => ({ text, binds: COMPARISON, chains: false });
const chained = (text: string, binds: number): Operator => ({ text, binds, chains: true });

const BINARY: ReadonlyMap<string, Operator> = new Map([
  ['or', chained('or', OR)],
  ['and', chained('and', AND)],
  ['eq', comparison('=')],
  ['ne', comparison('!=')],
  ['gt', comparison('>')],
  ['gte', comparison('>=')],
  ['lt', comparison('<')],
  ['lte', comparison('<=')],
  ['add', chained('+', SUM)],
  ['sub', chained('-', SUM)],
  ['mul', chained('*', PRODUCT)],
  ['div', chained('/', PRODUCT)],
  ['mod', chained('%', PRODUCT)],
]);

/** Names that mean something else here. */
export const WORDS: ReadonlySet<string> = new Set([
  ...['and', 'or', 'not', 'in', 'is', 'as', 'when', 'otherwise', 'null', 'true', 'false'],
]);

const isPlain = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !WORDS.has(name);

const nameText = (name: string): string =>
  isPlain(name) ? name : `\`${name.replace(/[`\\]/g, '\\$&')}\``;

interface Printed {
  readonly text: string;
  readonly binds: number;
}

const atom = (text: string): Printed => ({ text, binds: TIGHTEST });

/** The text, in parentheses unless it binds at least so strongly. */
const within = ({ text, binds }: Printed, least: number): string =>
  binds >= least ? text : `(${text})`;

const list = (args: readonly Expr[]): string => args.map(formatExpr).join(', ');

const called = (fn: string, args: readonly Expr[]): Printed =>
  atom(`${isPlain(fn) ? fn : JSON.stringify(fn)}(${list(args)})`);

/** The type that a cast names; null: it does not name one. */
const castType = (arg: Expr | undefined): string | null =>
  arg?.op === 'lit' && typeof arg.value === 'string' && /^[a-z]+$/.test(arg.value)
    ? arg.value
    : null;

const print = (expr: Expr): Printed => {
  switch (expr.op) {
    case 'col':
    case 'input':
      return atom(nameText(expr.name));
    case 'lit':
      return atom(JSON.stringify(expr.value));
    case 'when': {
      const branches = expr.branches.map((branch) => `${list(branch)}, `).join('');
      return atom(`when(${branches}otherwise ${formatExpr(expr.otherwise)})`);
    }
    case 'call':
      return printCall(expr.fn, expr.args);
  }
};

const printCall = (fn: string, args: readonly Expr[]): Printed => {
  const [first, second] = args;
  const operator = BINARY.get(fn);
  if (operator !== undefined && args.length === 2) {
    const { text, binds, chains } = operator;
    const left = within(print(first as Expr), chains ? binds : binds + 1);
    return { text: `${left} ${text} ${within(print(second as Expr), binds + 1)}`, binds };
  }
  if (first === undefined) return called(fn, args);
  const compared = () => within(print(first), COMPARISON + 1);
  if (fn === 'in' && args.length > 1)
    return { text: `${compared()} in (${list(args.slice(1))})`, binds: COMPARISON };
  if (fn === 'cast' && args.length === 2 && castType(second) !== null)
    return atom(`cast(${formatExpr(first)} as ${castType(second)})`);
  if (args.length > 1) return called(fn, args);
  switch (fn) {
    case 'isNull':
      return { text: `${compared()} is null`, binds: COMPARISON };
    case 'isNotNull':
      return { text: `${compared()} is not null`, binds: COMPARISON };
    case 'not':
      return { text: `not ${within(print(first), TIGHTEST)}`, binds: COMPARISON - 1 };
    case 'neg': {
      const literal = first.op === 'lit';
      const operand = literal ? `(${formatExpr(first)})` : within(print(first), TIGHTEST);
      return { text: `-${operand}`, binds: TIGHTEST - 1 };
    }
    default:
      return called(fn, args);
  }
};

const SHORT = 80;

/** The text, or its beginning where it is long. */
export const shortExpr = (expr: Expr, most: number = SHORT): string => {
  const text = formatExpr(expr);
  return text.length > most ? `${text.slice(0, most)}…` : text;
};

/** The expression as one line. */
export function formatExpr(expr: Expr): string {
  return print(expr).text;
}
