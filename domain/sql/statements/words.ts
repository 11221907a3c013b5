/** Words with a place in the structure of a statement, and what tokens are. */
import { fail } from '#domain/errors.ts';
import type { Token } from './tokens.ts';

/** Functions of a table's place that make rows from their arguments alone. */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['unnest', 'explode', 'posexplode']);

/** Functions with FROM, FOR or IN between their arguments. */
export const WORDY: ReadonlySet<string> = new Set([
  'btrim',
  'extract',
  'overlay',
  'position',
  'substr',
  'substring',
  'trim',
]);

export const SET_OPERATIONS: ReadonlySet<string> = new Set([
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'MINUS',
]);

/** They end the tables of a FROM. */
export const CLAUSES: ReadonlySet<string> = new Set([
  'WHERE',
  'GROUP',
  'HAVING',
  'ORDER',
  'LIMIT',
  'OFFSET',
  'FETCH',
  'WINDOW',
  'QUALIFY',
  'SORT',
  'CLUSTER',
  'DISTRIBUTE',
]);

/** Clauses that read or write more than the tables, or change settings. */
export const REFUSED_CLAUSES: ReadonlySet<string> = new Set([
  'INTO',
  'FOR',
  'SETTINGS',
  'FORMAT',
  'PREWHERE',
  'PROCEDURE',
]);

/** Statements that some engines accept in parentheses. */
export const STATEMENTS: ReadonlySet<string> = new Set([
  'CALL',
  'DESC',
  'DESCRIBE',
  'EXECUTE',
  'EXPLAIN',
  'INSERT',
  'SHOW',
]);

export const refuse = (what: string): never =>
  fail('MR_SQL_REFUSED', `${what}; a statement reads the tables of \`millrace sql tables\``);

export const invalid = (what: string): never => fail('MR_SQL_INVALID', what);

/** In upper case; null: it is no word, or it is in quotes. */
export const wordOf = (token: Token | undefined): string | null =>
  token?.is === 'word' ? token.text.toUpperCase() : null;

export const isSymbol = (token: Token | undefined, ...texts: readonly string[]): boolean =>
  token?.is === 'symbol' && texts.includes(token.text);

export const isName = (token: Token | undefined): boolean =>
  token?.is === 'word' || token?.is === 'name';
