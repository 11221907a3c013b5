/**
 * What a statement for another engine reads: the names of its tables, or why it is refused.
 *
 * Engines have parsers of their own, which the platform cannot ask without running the statement.
 * So a small part of SQL is accepted, that all of them read alike: one SELECT, with WITH before
 * it, and subqueries anywhere. A table is where FROM, JOIN or a comma between tables say so, and
 * is a plain name. What does not fit the frames (frames.ts) is refused, so a clause that an
 * engine adds cannot name a table that was not seen.
 */
import { frame } from './frames.ts';
import { isKeyword } from './keywords.ts';
import {
  atTable,
  checkCall,
  close,
  define,
  isComplete,
  open,
  type Reading,
  type Reference,
  refer,
  takePlain,
  topOf,
} from './reading.ts';
import type { Token } from './tokens.ts';
import { invalid, isName, isSymbol, refuse } from './words.ts';

export interface ReadStatement {
  /** in lower case, each once */
  readonly tables: readonly string[];
  readonly references: readonly Reference[];
}

const takeSymbol = (reading: Reading, { text }: Token, place: number): void => {
  const top = topOf(reading);
  if (text === '(') open(reading, place);
  else if (text === ')') close(reading);
  else if (text === ',' && top.state === 'from') top.state = 'table';
  else if (text === ',' && top.state === 'defined') top.state = 'with';
  else takePlain(top, text);
};

const takeName = (reading: Reading, token: Token, place: number): void => {
  if (isSymbol(reading.tokens[place + 1], '(')) checkCall(reading, token, place);
  if (isKeyword(reading, place)) return;
  const top = topOf(reading);
  if (atTable(top)) refer(reading, token, place);
  else if (top.state === 'with') define(reading, token);
  else takePlain(top, token.text);
};

const checkEnd = (reading: Reading): void => {
  const { tokens, frames, named, tables } = reading;
  const top = topOf(reading);
  if (tokens.length === 0) invalid('there is no statement');
  if (frames.length > 1) invalid('a parenthesis is not closed');
  if (!isComplete(top)) invalid('the statement is not complete');
  // The tables are given to the engine as queries of WITH.
  for (const name of named)
    if (tables.has(name))
      refuse(`"${name}" is a table and is also named by WITH: choose another name`);
};

/**
 * @param isRefused whether a function of this name, in lower case, must not be called
 * @throws MR_SQL_INVALID, MR_SQL_REFUSED
 */
export const readStatement = (
  tokens: readonly Token[],
  isRefused: (functionName: string) => boolean,
): ReadStatement => {
  const reading: Reading = {
    tokens,
    frames: [frame('query', new Map())],
    references: [],
    tables: new Set(),
    named: new Set(),
    isRefused,
  };
  tokens.forEach((token, place) => {
    if (token.is === 'symbol') takeSymbol(reading, token, place);
    else if (isName(token)) takeName(reading, token, place);
    else takePlain(topOf(reading), token.text);
  });
  checkEnd(reading);
  return { tables: [...reading.tables], references: reading.references };
};
