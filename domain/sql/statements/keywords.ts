/** The words that make the structure of a statement. */
import { atTable, type Reading, topOf } from './reading.ts';
import type { Token } from './tokens.ts';
import {
  CLAUSES,
  isName,
  isSymbol,
  REFUSED_CLAUSES,
  refuse,
  SET_OPERATIONS,
  STATEMENTS,
  WORDY,
  wordOf,
} from './words.ts';

/** @returns whether the word was one of structure there; else it is a name */
type Keyword = (reading: Reading, place: number) => boolean;

const select: Keyword = (reading) => {
  const top = topOf(reading);
  if (!['start', 'body', 'defined'].includes(top.state))
    refuse('SELECT is accepted at the begin of a statement, of parentheses, or after UNION');
  top.kind = 'query';
  top.state = 'select';
  return true;
};

const withQueries: Keyword = (reading) => {
  const top = topOf(reading);
  if (top.state !== 'start') return false;
  top.kind = 'query';
  top.state = 'with';
  return true;
};

const recursive: Keyword = (reading) => {
  const top = topOf(reading);
  if (top.state !== 'with' || top.recursive) return false;
  top.recursive = true;
  return true;
};

const as: Keyword = (reading) => {
  const top = topOf(reading);
  if (top.state !== 'named') return false;
  top.state = 'as';
  return true;
};

/** In the arguments of a function that has such words. */
const inArguments = (reading: Reading): boolean => {
  const { kind, call } = topOf(reading);
  return kind === 'group' && call !== null && WORDY.has(call);
};

const from: Keyword = (reading, place) => {
  const top = topOf(reading);
  const before = (n: number): string | null => wordOf(reading.tokens[place - n]);
  const is = before(2) === 'NOT' ? before(3) : before(2);
  if (before(1) === 'DISTINCT' && is === 'IS') return true;
  if (inArguments(reading)) return true;
  if (top.kind !== 'query' || top.state !== 'select') refuse('FROM is accepted after SELECT only');
  top.state = 'table';
  return true;
};

const join: Keyword = (reading) => {
  const top = topOf(reading);
  if (top.state !== 'from') refuse('JOIN is accepted after a table only');
  top.state = 'table';
  return true;
};

/** Before a query in parentheses, or of LATERAL VIEW. */
const lateral: Keyword = (reading, place) =>
  topOf(reading).state === 'table' ||
  (topOf(reading).state === 'from' && wordOf(reading.tokens[place + 1]) === 'VIEW');

/** `x IN t` reads the table t in some engines, and so does `x IN (t)`. */
const inList: Keyword = (reading, place) => {
  const { tokens } = reading;
  if (inArguments(reading)) return false;
  if (!isSymbol(tokens[place + 1], '(')) refuse('IN takes values or a query in parentheses');
  for (let i = place + 2, depth = 1; depth > 0 && i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (isSymbol(token, '(')) depth++;
    if (isSymbol(token, ')')) depth--;
    const word = wordOf(token);
    if (depth !== 1 || !isName(token)) continue;
    if (word === 'SELECT' || word === 'WITH') break;
    const isValue = word !== null && ['NULL', 'TRUE', 'FALSE'].includes(word);
    if (!isValue && isSymbol(tokens[i - 1], '(', ',') && isSymbol(tokens[i + 1], ')', ',', '.'))
      refuse('IN takes values or a query; compare with a column by =');
  }
  return false;
};

const values: Keyword = (reading) => {
  const top = topOf(reading);
  if (top.kind === 'group') return false;
  if (top.kind === 'tables' && top.state === 'start') {
    top.kind = 'query';
    top.state = 'rest';
    return true;
  }
  if (['start', 'table', 'body'].includes(top.state)) refuse('VALUES is not available there');
  return false;
};

const table: Keyword = (reading, place) =>
  wordOf(reading.tokens[place - 1]) === 'AS' ? false : refuse('TABLE is not available');

const definitionWord: Keyword = (reading) => topOf(reading).state === 'as';
const bodyWord: Keyword = (reading) => topOf(reading).state === 'body';

/** `* EXCEPT (a, b)` leaves columns out. */
const leavesOut = ({ tokens }: Reading, place: number): boolean => {
  const inside = tokens[place + 2];
  return (
    isSymbol(tokens[place + 1], '(') &&
    !isSymbol(inside, '(') &&
    !['SELECT', 'WITH', 'TABLE', 'VALUES'].includes(wordOf(inside) ?? '')
  );
};

const setOperation: Keyword = (reading, place) => {
  const top = topOf(reading);
  const word = wordOf(reading.tokens[place]);
  if (!['select', 'from', 'rest'].includes(top.state)) return false;
  if (word === 'EXCEPT' && top.state === 'select' && leavesOut(reading, place)) return true;
  if (top.kind === 'group') refuse(`${word} is accepted after a SELECT only`);
  top.kind = 'query';
  top.state = 'body';
  return true;
};

const clause: Keyword = (reading) => {
  const top = topOf(reading);
  if (top.state !== 'from') return false;
  top.state = 'rest';
  return true;
};

const refusedClause: Keyword = (reading, place) => {
  const { tokens } = reading;
  const word = wordOf(tokens[place]);
  const isNamed = wordOf(tokens[place - 1]) === 'AS';
  const isCalled = isSymbol(tokens[place + 1], '(') && word !== 'INTO';
  if (topOf(reading).kind === 'group' || isNamed || isCalled) return false;
  return refuse(`${word} is not available`);
};

const statement: Keyword = (reading, place) => {
  const { state } = topOf(reading);
  const next = reading.tokens[place + 1];
  if (state === 'start' && (isName(next) || next?.is === 'text'))
    refuse('only a query (SELECT, or WITH … SELECT) is accepted');
  return false;
};

const each = (words: ReadonlySet<string>, keyword: Keyword) =>
  [...words].map((word) => [word, keyword] as const);

const KEYWORDS: ReadonlyMap<string, Keyword> = new Map<string, Keyword>([
  ['SELECT', select],
  ['WITH', withQueries],
  ['RECURSIVE', recursive],
  ['AS', as],
  ['NOT', definitionWord],
  ['MATERIALIZED', definitionWord],
  ['FROM', from],
  ['JOIN', join],
  ['STRAIGHT_JOIN', join],
  ['LATERAL', lateral],
  ['IN', inList],
  ['VALUES', values],
  ['TABLE', table],
  ['ALL', bodyWord],
  ['DISTINCT', bodyWord],
  ...each(SET_OPERATIONS, setOperation),
  ...each(CLAUSES, clause),
  ...each(REFUSED_CLAUSES, refusedClause),
  ...each(STATEMENTS, statement),
]);

/** A word after a dot is the name of a column. */
export const isKeyword = (reading: Reading, place: number): boolean => {
  const { tokens } = reading;
  const word = wordOf(tokens[place]);
  if (word === null || isSymbol(tokens[place - 1], '.')) return false;
  // The name of a table may be a clause's word; that of the structure may not.
  if (atTable(topOf(reading)) && CLAUSES.has(word)) refuse(`${word} is no table`);
  return KEYWORDS.get(word)?.(reading, place) ?? false;
};
