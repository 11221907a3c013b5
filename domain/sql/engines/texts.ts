/** Texts. Lengths and positions count code points; positions begin at 0. */
import type { FunctionName } from '#domain/expressions/function-row.ts';
import type { SqlArgument, SqlFunction } from '../dialect.ts';
import { type Syntax, textLiteral } from './syntax.ts';

type Make = (syntax: Syntax) => SqlFunction;

const LONG_NOTE =
  'A text of more than 1,048,576 UTF-16 code units is null in Millrace; here it is not cut off.';

/** Past every place in a text that Millrace makes, and within 32 bits. */
const FAR = 2_000_000_000;

const named =
  (nameOf: (syntax: Syntax) => string, about?: string): Make =>
  (syntax) =>
  (args, _, { note }) => {
    if (about !== undefined) note(about);
    return `${nameOf(syntax)}(${args.map((a) => a.sql).join(', ')})`;
  };

const CASE_NOTE =
  'LOWER and UPPER may differ for letters whose other case has more than one character, such as ß.';

/** At the end of a text where `ends`, else at its beginning. */
const partAt =
  (ends: boolean): Make =>
  (syntax) =>
  (args, _, { bind }) => {
    const { length, substring } = syntax;
    const [text, part] = args.map((a) => bind(a.sql)) as [string, string];
    const from = ends ? `${length(text)} - ${length(part)} + 1` : '1';
    return `(${length(text)} >= ${length(part)} AND ${substring(text, from, length(part))} = ${part})`;
  };

/** A place or a count, as an integer of 32 bits. */
const place = ({ types }: Syntax, arg: SqlArgument, bind: (sql: string) => string): string => {
  if (typeof arg.literal === 'number') return String(Math.min(arg.literal, FAR));
  const n = bind(arg.sql);
  return bind(
    `CAST(CASE WHEN ${n} > ${FAR} THEN ${FAR} WHEN ${n} < 0 THEN -1 ELSE ${n} END AS ${types.int})`,
  );
};

export const TEXTS = {
  lower: named(({ lower }) => lower, CASE_NOTE),
  upper: named(({ upper }) => upper, CASE_NOTE),
  trim:
    ({ trim }) =>
    ([a]) =>
      trim((a as SqlArgument).sql),
  length:
    ({ length }) =>
    ([a]) =>
      length((a as SqlArgument).sql),
  concat:
    ({ concat }) =>
    (args, _, { note }) => {
      note(LONG_NOTE);
      return args.length === 1 ? (args[0] as SqlArgument).sql : concat(args.map((a) => a.sql));
    },
  startsWith: partAt(false),
  endsWith: partAt(true),
  contains:
    ({ position }) =>
    (args) => {
      const [text, part] = args as readonly [SqlArgument, SqlArgument];
      return `(${position(text.sql, part.sql)} > 0)`;
    },
  replace:
    (syntax) =>
    (args, _, { bind, note }) => {
      note(LONG_NOTE);
      const [text, part, by] = args.map((a) => bind(a.sql)) as [string, string, string];
      const replaced = `${syntax.replace}(${text}, ${part}, ${by})`;
      return `(CASE WHEN ${by} IS NULL THEN NULL WHEN ${part} = ${textLiteral(syntax, '')} THEN ${text} ELSE ${replaced} END)`;
    },
  substring:
    (syntax) =>
    (args, _, { bind }) => {
      const [text, from, count] = args as readonly [SqlArgument, SqlArgument, SqlArgument?];
      const start = place(syntax, from, bind);
      const size = count === undefined ? undefined : place(syntax, count, bind);
      const fits = [start, ...(size === undefined ? [] : [size])].map((n) => `${n} >= 0`);
      return `(CASE WHEN ${fits.join(' AND ')} THEN ${syntax.substring(text.sql, `${start} + 1`, size)} END)`;
    },
} as const satisfies Partial<Record<FunctionName, Make>>;
