/**
 * Views of a dialect as statements over the given events, with the values of the brute-force
 * oracle.
 */
import { planView } from '#domain/plan/plan-view.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { engineDialect } from '#domain/sql/engines/dialect.ts';
import { quoted, type Syntax } from '#domain/sql/engines/syntax.ts';
import { viewQuery } from '#domain/sql/engines/view-query.ts';
import { formatDate } from '#domain/values/date.ts';
import type { FieldType, RawEvent, Value } from '#domain/values/value.ts';
import { counted, type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';

const iso = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');

/** A time and a date as the columns of Iceberg tables have them. */
const NATIVE: Readonly<
  Record<string, { readonly time: (ms: number) => string; readonly date: (days: number) => string }>
> = {
  clickhouse: {
    time: (ms) => `toDateTime64('${iso(ms)}', 6, 'UTC')`,
    date: (days) => `toDate32('${formatDate(days)}')`,
  },
  spark: {
    time: (ms) => `TIMESTAMP '${iso(ms)}Z'`,
    date: (days) => `DATE '${formatDate(days)}'`,
  },
  starrocks: {
    time: (ms) => `CAST('${iso(ms)}' AS DATETIME)`,
    date: (days) => `CAST('${formatDate(days)}' AS DATE)`,
  },
};
const ANSI = {
  time: (ms: number) => `CAST('${iso(ms)}+00:00' AS TIMESTAMP WITH TIME ZONE)`,
  date: (days: number) => `CAST('${formatDate(days)}' AS DATE)`,
};
const nativeOf = ({ name }: Syntax) => NATIVE[name === 'doris' ? 'starrocks' : name] ?? ANSI;

const NULL_TYPES: Readonly<Record<string, readonly [time: string, date: string]>> = {
  clickhouse: ["Nullable(DateTime64(6, 'UTC'))", 'Nullable(Date32)'],
  spark: ['TIMESTAMP', 'DATE'],
  starrocks: ['DATETIME', 'DATE'],
  doris: ['DATETIME', 'DATE'],
};

const literalOf = (syntax: Syntax, value: Value, type: FieldType): string => {
  const dialect = engineDialect(syntax);
  const native = nativeOf(syntax);
  const [time, date] = NULL_TYPES[syntax.name] ?? ['TIMESTAMP WITH TIME ZONE', 'DATE'];
  if (type.base === 'timestamp')
    return `CAST(${value === null ? 'NULL' : native.time(value as number)} AS ${time})`;
  if (type.base === 'date')
    return `CAST(${value === null ? 'NULL' : native.date(value as number)} AS ${date})`;
  const literal = dialect.literal(value as string | number | boolean | null, type);
  return `CAST(${literal} AS ${dialect.type(type)})`;
};

const POSITIONS = ['_partition', '_offset'] as const;

const eventRows = (
  syntax: Syntax,
  { source }: Definitions,
  events: readonly RawEvent[],
  left: ReadonlySet<string>,
): string => {
  const fields = Object.entries(sourceFields(source)).filter(([name]) => !left.has(name));
  const rows = events.map(({ row, partition, offset }) => {
    const cells = fields.map(
      ([name, type]) => `${literalOf(syntax, row[name] ?? null, type)} AS ${quoted(syntax, name)}`,
    );
    return `SELECT ${[...cells, `${partition} AS ${POSITIONS[0]}`, `${offset} AS ${POSITIONS[1]}`].join(', ')}`;
  });
  return rows.join('\nUNION ALL\n');
};

export interface ViewCase {
  readonly name: string;
  readonly sql: string;
  readonly definitions: Definitions;
  readonly events: readonly RawEvent[];
  readonly at: number;
}

/** @param left fields of the source that no literal is written for */
export const viewCase = (
  syntax: Syntax,
  name: string,
  definitions: Definitions,
  events: readonly RawEvent[],
  at: number,
  left: ReadonlySet<string> = new Set(),
): ViewCase => {
  const over: Syntax = {
    ...syntax,
    events: () => ({ table: 'given', partition: POSITIONS[0], offset: POSITIONS[1] }),
  };
  const given = `WITH given AS (\n${eventRows(syntax, definitions, events, left)}\n),\nmoment AS`;
  const sql = viewQuery(over, definitions)
    .replace('WITH moment AS', () => given)
    .replace(
      `SELECT ${syntax.now} AS __at`,
      () => `SELECT CAST(${at} AS ${syntax.types.long}) AS __at`,
    );
  return { name, sql, definitions, events, at };
};

/** Rows of a result, by column. */
export type Found = readonly Readonly<Record<string, unknown>>[];

const textOf = (values: readonly unknown[]): string => JSON.stringify(values);

/** What differs from the oracle, in words; empty: nothing does. */
export const differences = (
  { definitions, events, at }: ViewCase,
  found: Found,
): readonly string[] => {
  const { view, source, entity } = definitions;
  const plan = planView(view, source, entity);
  const keys = plan.keys.map(({ name }) => name);
  const here = new Map<string, readonly Value[]>();
  for (const event of events) {
    const key = keyValues(definitions, event.row);
    if (key !== null && event.eventTime <= at && counted(definitions, event))
      here.set(textOf(key), key);
  }
  const answers = [...here].flatMap(([text, key]) => {
    const answer = oracle(definitions, events, key, at);
    return answer.status.includes('expired') ? [] : [[text, answer] as const];
  });
  const seen = new Map(found.map((row) => [textOf(keys.map((key) => row[key])), row] as const));
  const wrong: string[] = [];
  if (seen.size !== found.length) wrong.push('an entity has several rows');
  const [wanted, got] = [answers.map(([text]) => text).sort(), [...seen.keys()].sort()];
  if (textOf(wanted) !== textOf(got)) wrong.push(`entities ${got}, not ${wanted}`);
  for (const [text, answer] of answers)
    plan.features.forEach(({ name, type, aggregation }, i) => {
      const row = seen.get(text);
      if (row === undefined || !(name in row)) return;
      const value = row[name] as Value;
      const { form } = aggregation;
      const shown = type.base === 'boolean' && value !== null ? Boolean(value) : value;
      if (
        !sameValue(
          form.aggregation,
          type.base === 'long',
          shown,
          answer.values[i],
          answer.scale[i] as number,
        )
      )
        wrong.push(
          `${text} ${name}: ${JSON.stringify(value)}, not ${JSON.stringify(answer.values[i])}`,
        );
    });
  return wrong;
};
