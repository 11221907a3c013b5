/**
 * A statement as tokens, by the lexical rules of the engine that will run it.
 *
 * The engine gets the tokens written out again, and never the text of the user. So comments and
 * hints are gone, each text literal ends where it was found to end here, and no prefix (`r'…'`,
 * `U&'…'`) changes what a literal means: the engine cannot see another statement than the one that
 * was checked. What engines read in different ways is refused.
 */
import { fail } from '#domain/errors.ts';

export interface Lexis {
  /** what double quotes are around */
  readonly doubleQuotes: 'name' | 'text';
  readonly backticks: boolean;
  /** whether a backslash in a text escapes the next character */
  readonly backslashes: boolean;
  /** with which names are written out */
  readonly quote: '"' | '`';
}

export type Token = (
  | { readonly is: 'word'; readonly text: string }
  | { readonly is: 'name'; readonly text: string }
  /** `text`: as it is between single quotes */
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'hex'; readonly text: string }
  | { readonly is: 'number'; readonly text: string }
  | { readonly is: 'symbol'; readonly text: string }
) & {
  /** whether it follows the token before it without space */
  readonly tight: boolean;
};

const SPACE = /[\s]+|--[^\n\r]*|\/\*[\s\S]*?\*\//y;
const WORD = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
/** after a number: its type */
const SUFFIX = /^(?:[LSYDFM]|BD|LL)$/i;
const HEX = /[xX]'([0-9a-fA-F]*)'/y;
const SYMBOL = /[()[\],.+\-*/%=<>!|&^~:]/y;

const invalid = (message: string, position: number): never =>
  fail('MR_SQL_INVALID', message, { position });

const refused = (message: string): never => fail('MR_SQL_REFUSED', message);

const at = (pattern: RegExp, sql: string, position: number): RegExpExecArray | null => {
  pattern.lastIndex = position;
  return pattern.exec(sql);
};

/** What is between quotes from `start` on, and where it ends; a doubled quote is one quote. */
const quoted = (
  sql: string,
  start: number,
  escapes: boolean,
): { readonly parts: readonly string[]; readonly end: number } => {
  const quote = sql[start] as string;
  const parts: string[] = [];
  for (let i = start + 1; i < sql.length; i++) {
    const c = sql[i] as string;
    if (escapes && c === '\\') {
      if (i + 1 >= sql.length) break;
      parts.push(sql.slice(i, i + 2));
      i++;
    } else if (c !== quote) parts.push(c);
    else if (sql[i + 1] === quote) {
      parts.push(quote);
      i++;
    } else return { parts, end: i + 1 };
  }
  return invalid(`a quote (${quote}) is not closed`, start);
};

/** A text between single quotes, whatever quotes it had. */
const textOf = (parts: readonly string[], { backslashes }: Lexis): string =>
  parts.map((part) => (part === "'" ? (backslashes ? "\\'" : "''") : part)).join('');

const readQuoted = (sql: string, start: number, lexis: Lexis, tight: boolean) => {
  const quote = sql[start] as string;
  if (quote === '`' && !lexis.backticks) refused('this engine has no names in backticks');
  const isText = quote === "'" || (quote === '"' && lexis.doubleQuotes === 'text');
  const { parts, end } = quoted(sql, start, isText && lexis.backslashes);
  if (isText) return { token: { is: 'text', text: textOf(parts, lexis), tight } as const, end };
  const text = parts.join('');
  if (text === '' || text.includes('\\')) refused('a name is empty or has a backslash');
  return { token: { is: 'name', text, tight } as const, end };
};

const readOne = (
  sql: string,
  position: number,
  lexis: Lexis,
  tight: boolean,
): { readonly token: Token; readonly end: number } => {
  const c = sql[position] as string;
  if (c === "'" || c === '"' || c === '`') return readQuoted(sql, position, lexis, tight);
  const found = (is: 'word' | 'number' | 'symbol', [text]: RegExpExecArray) => ({
    token: { is, text, tight } as const,
    end: position + text.length,
  });
  const hex = at(HEX, sql, position);
  if (hex !== null)
    return {
      token: { is: 'hex', text: hex[1] as string, tight },
      end: position + hex[0].length,
    };
  const word = at(WORD, sql, position);
  if (word !== null) return found('word', word);
  const number = at(NUMBER, sql, position);
  if (number !== null) return found('number', number);
  const symbol = at(SYMBOL, sql, position);
  if (symbol !== null) return found('symbol', symbol);
  return refused(
    c === ';'
      ? 'one statement at a time is accepted'
      : `the character ${JSON.stringify(c)} is accepted within quotes only`,
  );
};

/** Engines disagree on what `1from` is. */
const checkSuffix = (tokens: readonly Token[], token: Token): void => {
  if (!token.tight || token.is !== 'word' || tokens.at(-1)?.is !== 'number') return;
  if (!SUFFIX.test(token.text)) refused(`write a space between the number and "${token.text}"`);
};

/** The end of a statement: nothing but semicolons and comments from here on. */
const END = /(?:[\s;]|--[^\n\r]*|\/\*[\s\S]*?\*\/)*$/y;

/** @throws MR_SQL_INVALID, MR_SQL_REFUSED */
export const tokensOf = (sql: string, lexis: Lexis): readonly Token[] => {
  const tokens: Token[] = [];
  let tight = false;
  for (let position = 0; position < sql.length; ) {
    const space = at(SPACE, sql, position);
    if (space !== null) {
      position += space[0].length;
      tight = false;
      continue;
    }
    if (sql.startsWith('/*', position)) invalid('a comment is not closed', position);
    if (sql[position] === ';' && at(END, sql, position) !== null) break;
    const { token, end } = readOne(sql, position, lexis, tight);
    checkSuffix(tokens, token);
    tokens.push(token);
    position = end;
    tight = true;
  }
  return tokens;
};

const written = (token: Token, { quote }: Lexis): string => {
  switch (token.is) {
    case 'name':
      return `${quote}${token.text.replaceAll(quote, quote + quote)}${quote}`;
    case 'text':
      return `'${token.text}'`;
    case 'hex':
      return `X'${token.text}'`;
    default:
      return token.text;
  }
};

const QUOTED: ReadonlySet<Token['is']> = new Set(['name', 'text', 'hex']);

/** No word or symbol before a quote may become a prefix of it. */
const joins = (before: Token, token: Token): boolean =>
  token.tight &&
  (!QUOTED.has(token.is) || (before.is === 'symbol' && '.('.includes(before.text))) &&
  (!QUOTED.has(before.is) || token.is === 'symbol');

export const textOfTokens = (tokens: readonly Token[], lexis: Lexis): string =>
  tokens
    .map((token, i) => {
      const before = tokens[i - 1];
      const space = before === undefined || joins(before, token) ? '' : ' ';
      return `${space}${written(token, lexis)}`;
    })
    .join('');
