/** The expressions' dialect of an engine that people ask. */
import type { ExpressionDialect, SqlFunction } from '../dialect.ts';
import { castOf } from './casts.ts';
import { LOGIC } from './logic.ts';
import { convert, NUMBERS } from './numbers.ts';
import { columnType, doubleLiteral, quoted, type Syntax, textLiteral } from './syntax.ts';
import { TEXTS } from './texts.ts';
import { TIMES } from './times.ts';

const MAKERS = { ...LOGIC, ...NUMBERS, ...TEXTS, ...TIMES, cast: castOf } as const;

const functionsOf = (syntax: Syntax): ExpressionDialect['functions'] =>
  Object.fromEntries(Object.entries(MAKERS).map(([name, make]) => [name, make(syntax)])) as Record<
    keyof typeof MAKERS,
    SqlFunction
  >;

export const engineDialect = (syntax: Syntax): ExpressionDialect => {
  const { types } = syntax;
  return {
    name: syntax.title,
    types: { ...types, timestamp: types.long, date: types.long },
    type: ({ base }) => columnType(syntax, base),
    identifier: (name) => quoted(syntax, name),
    literal(value, type) {
      if (value === null)
        return type.array ? 'NULL' : `CAST(NULL AS ${columnType(syntax, type.base)})`;
      if (typeof value === 'string') return textLiteral(syntax, value);
      if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
      if (type.base === 'double' || type.base === 'float') return doubleLiteral(value);
      return value < 0 ? `(${value})` : String(value);
    },
    convert: (value, to) => convert(syntax, value, to),
    functions: functionsOf(syntax),
  };
};
