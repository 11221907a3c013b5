/** The types of Trino and Presto by their text: array(row(a bigint, "b c" varchar(3))). */
import {
  BOOLEAN,
  BYTES,
  DATE_READER,
  DOUBLE,
  decimal,
  FLOAT,
  INT,
  LONG,
  listOf,
  mapOf,
  type Reader,
  STRING,
  structOf,
  TIMESTAMP,
} from './readers.ts';

const SCALARS: Readonly<Record<string, Reader>> = {
  boolean: BOOLEAN,
  tinyint: INT,
  smallint: INT,
  integer: INT,
  bigint: LONG,
  real: FLOAT,
  double: DOUBLE,
  varbinary: BYTES,
  date: DATE_READER,
  timestamp: TIMESTAMP,
  'timestamp with time zone': TIMESTAMP,
};

/** What is between commas that no parenthesis and no quote is around. */
const partsOf = (text: string): readonly string[] => {
  const parts: string[] = [];
  let [part, depth, isQuoted] = ['', 0, false];
  for (const c of text) {
    if (c === '"') isQuoted = !isQuoted;
    if (!isQuoted && c === '(') depth++;
    if (!isQuoted && c === ')') depth--;
    if (c === ',' && depth === 0 && !isQuoted) {
      parts.push(part.trim());
      part = '';
    } else part += c;
  }
  return [...parts, part.trim()];
};

const FIELD = /^(?:"((?:[^"]|"")*)"|(\S+))\s+(.+)$/s;

/** A field of a row may have no name. */
const fieldOf = (text: string, i: number): readonly [string, Reader] => {
  const [, quoted, plain, type] = FIELD.exec(text) ?? [];
  const isNamed = type !== undefined && !(plain ?? '').includes('(') && !/^with time/.test(type);
  return isNamed
    ? [quoted?.replaceAll('""', '"') ?? (plain as string), prestoReader(type)]
    : [`field${i}`, prestoReader(text)];
};

/** Types that are not here are read as text. */
export const prestoReader = (type: string): Reader => {
  const [, name = '', inside, after = ''] =
    /^([\w ]+?)(?:\((.*)\))?( with(?:out)? time zone)?$/s.exec(type) ?? [];
  const parts = inside === undefined ? [] : partsOf(inside);
  switch (name) {
    case 'array':
      return listOf(prestoReader(inside ?? ''));
    case 'map':
      return mapOf(prestoReader(parts[0] ?? ''), prestoReader(parts[1] ?? ''));
    case 'row':
      return structOf(parts.map(fieldOf));
    case 'decimal':
      return decimal(Number(parts[0]), Number(parts[1] ?? 0));
    default:
      return SCALARS[`${name}${after}`.replace(' without time zone', '')] ?? STRING;
  }
};
