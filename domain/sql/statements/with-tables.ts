/** A statement of a user, with its tables as queries of WITH before it. */

import { readStatement } from './statement.ts';
import { type Lexis, type Token, textOfTokens, tokensOf } from './tokens.ts';
import { isSymbol, wordOf } from './words.ts';

export interface CheckedStatement {
  /** in lower case, each once */
  readonly tables: readonly string[];
  /** @param queries the rows of each table, by name */
  readonly over: (queries: ReadonlyMap<string, string>) => string;
}

const name = (text: string, lexis: Lexis): string =>
  textOfTokens([{ is: 'name', text, tight: false }], lexis);

/** @throws MR_SQL_INVALID, MR_SQL_REFUSED */
export const checkedStatement = (
  sql: string,
  lexis: Lexis,
  isRefused: (functionName: string) => boolean,
): CheckedStatement => {
  const tokens = tokensOf(sql, lexis);
  const { tables, references } = readStatement(tokens, isRefused);
  const named = new Map(references.map((reference) => [reference.place, reference.name]));
  const resolved = tokens.map((token, place): Token => {
    const text = named.get(place);
    return text === undefined ? token : { is: 'name', text, tight: token.tight };
  });
  const hasWith = wordOf(resolved[0]) === 'WITH';
  const isRecursive = hasWith && wordOf(resolved[1]) === 'RECURSIVE' && !isSymbol(resolved[2], '(');
  const rest = textOfTokens(resolved.slice(isRecursive ? 2 : hasWith ? 1 : 0), lexis);
  return {
    tables,
    over(queries) {
      const given = [...queries].map(([table, query]) => `${name(table, lexis)} AS (${query})`);
      const all = hasWith ? [...given, rest] : given;
      if (all.length === 0) return rest;
      const queriesOf = `WITH ${isRecursive ? 'RECURSIVE ' : ''}${all.join(',\n')}`;
      return hasWith ? queriesOf : `${queriesOf}\n${rest}`;
    },
  };
};
