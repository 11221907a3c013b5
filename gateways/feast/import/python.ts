/**
 * Translates the Python of an on-demand view if it is simple arithmetic: one assignment per
 * feature, with inputs, numbers, + − × ÷, parentheses and `fillna`.
 *
 *   df["a"] = inputs["x"] + inputs["y"] * 2 → x.plus(y.times(2))
 *
 * If any line is something else, the function is not translated: a partial translation would be
 * wrong. One difference: a division by zero is infinity in pandas, and null in expressions.
 */
import type { Expr } from '#domain/expressions/ast.ts';

/** Null: not that simple. */
export type Translated = ReadonlyMap<string, Expr> | null;

const TOKEN =
  /\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|("[^"\\]*"|'[^'\\]*')|([-+*/()[\].]))/y;

type Token = { readonly kind: 'number' | 'name' | 'text' | 'sign'; readonly text: string };

const tokensOf = (line: string): Token[] | null => {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < line.trimEnd().length) {
    const found = TOKEN.exec(line);
    if (found === null) return null;
    const [, number, name, text, sign] = found;
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (text !== undefined) tokens.push({ kind: 'text', text: text.slice(1, -1) });
    else tokens.push({ kind: 'sign', text: sign as string });
  }
  return tokens;
};

const call = (fn: string, ...args: readonly Expr[]): Expr => ({ op: 'call', fn, args });

class Unsupported extends Error {}

/** The grammar of Python's arithmetic. `look` resolves `name["key"]` and single names. */
const parse = (
  tokens: readonly Token[],
  look: (name: string, key: string | null) => Expr | null,
): Expr => {
  let at = 0;
  const isSign = (text: string): boolean =>
    tokens[at]?.kind === 'sign' && tokens[at]?.text === text;
  const take = (text: string): void => {
    if (!isSign(text)) throw new Unsupported();
    at++;
  };
  const found = (name: string, key: string | null): Expr => {
    const expr = look(name, key);
    if (expr === null) throw new Unsupported();
    return expr;
  };
  const number = (): Expr => {
    const token = tokens[at++];
    if (token?.kind !== 'number') throw new Unsupported();
    return { op: 'lit', value: Number(token.text) };
  };
  const atom = (): Expr => {
    const token = tokens[at];
    if (token?.kind === 'number') return number();
    if (isSign('(')) {
      at++;
      const inner = sum();
      take(')');
      return inner;
    }
    if (token?.kind !== 'name') throw new Unsupported();
    at++;
    if (!isSign('[')) return found(token.text, null);
    at++;
    const key = tokens[at++];
    if (key?.kind !== 'text') throw new Unsupported();
    take(']');
    return found(token.text, key.text);
  };
  const postfix = (): Expr => {
    let expr = atom();
    while (isSign('.')) {
      at++;
      if (tokens[at++]?.text !== 'fillna') throw new Unsupported();
      take('(');
      expr = call('coalesce', expr, number());
      take(')');
    }
    return expr;
  };
  const unary = (): Expr => {
    if (!isSign('-')) return postfix();
    at++;
    return call('neg', unary());
  };
  const product = (): Expr => {
    let left = unary();
    while (isSign('*') || isSign('/'))
      left = call(tokens[at++]?.text === '*' ? 'mul' : 'div', left, unary());
    return left;
  };
  const sum = (): Expr => {
    let left = product();
    while (isSign('+') || isSign('-'))
      left = call(tokens[at++]?.text === '+' ? 'add' : 'sub', left, product());
    return left;
  };
  const expr = sum();
  if (at < tokens.length) throw new Unsupported();
  return expr;
};

const DEF = /^def \w+\(\s*(\w+)[^)]*\)[^:]*:\s*$/;
const NEW_FRAME = /^(\w+)(?:\s*:\s*[\w.[\], ]+)?\s*=\s*(?:pd\.DataFrame\(\)|\{\}|dict\(\))$/;
const ASSIGN = /^(\w+)\[(?:"([^"]+)"|'([^']+)')\]\s*=\s*([^=].*)$/;
const LOCAL = /^(\w+)\s*=\s*([^=].*)$/;

/** The statements of the function, one per line, without comments and docstring. */
const statementsOf = (
  body: string,
): { readonly parameter: string; readonly lines: readonly string[] } | null => {
  const lines = body.split('\n').map((line) => line.replace(/\s+#[^"']*$/, '').trimEnd());
  const start = lines.findIndex((line) => DEF.test(line));
  if (start < 0) return null;
  const [, parameter] = DEF.exec(lines[start] as string) as unknown as [string, string];
  const rest = lines
    .slice(start + 1)
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  const indents = new Set(rest.map((line) => /^\s*/.exec(line)?.[0]));
  if (indents.size !== 1 || indents.has('')) return null;
  const statements = rest.map((line) => line.trim());
  const docstring = /^(?:"""[^"]*"""|'''[^']*''')$/;
  return {
    parameter,
    lines: docstring.test(statements[0] ?? '') ? statements.slice(1) : statements,
  };
};

/** @param inputs Feast's names of inputs → their names in Millrace */
export const translate = (body: string, inputs: ReadonlyMap<string, string>): Translated => {
  const statements = statementsOf(body);
  if (statements === null) return null;
  const { parameter, lines } = statements;
  const locals = new Map<string, Expr>();
  const outputs = new Map<string, Expr>();
  let frame: string | null = null;
  let returned = false;
  const look = (name: string, key: string | null): Expr | null => {
    if (key === null) return locals.get(name) ?? null;
    if (name === frame) return outputs.get(key) ?? null;
    const input = name === parameter ? inputs.get(key) : undefined;
    return input === undefined ? null : { op: 'input', name: input };
  };
  const exprOf = (text: string): Expr => {
    const tokens = tokensOf(text);
    if (tokens === null) throw new Unsupported();
    return parse(tokens, look);
  };
  try {
    for (const line of lines) {
      if (returned) return null;
      const made = NEW_FRAME.exec(line);
      const assigned = ASSIGN.exec(line);
      const local = LOCAL.exec(line);
      if (made !== null && frame === null) frame = made[1] as string;
      else if (assigned !== null && assigned[1] === frame)
        outputs.set((assigned[2] ?? assigned[3]) as string, exprOf(assigned[4] as string));
      else if (local !== null && local[1] !== frame && local[1] !== parameter)
        locals.set(local[1] as string, exprOf(local[2] as string));
      else if (line === `return ${frame}`) returned = true;
      else return null;
    }
  } catch (error) {
    if (error instanceof Unsupported) return null;
    throw error;
  }
  return returned ? outputs : null;
};
