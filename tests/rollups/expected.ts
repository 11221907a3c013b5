/** What the rows of rollups must be, by brute force over raw events. */
import type { Platform } from '#domain/api/platform.ts';
import { hopOf } from '#domain/plan/hop.ts';
import type { SqlType, SqlValue } from '#domain/sql-results/sql-type.ts';
import { parseDuration } from '#domain/values/duration.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { type Answer, counted, type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';

/** Where the earliest window that ends at a time begins. Rows of a table that can go have none. */
const windowsFrom = ({ view, source: { dimension } }: Definitions, at: number): number =>
  dimension !== undefined && (dimension.deleted !== undefined || view.where !== undefined)
    ? Number.NEGATIVE_INFINITY
    : Object.entries(view.features).reduce((from, [name, { window, hop }]) => {
        if (window === undefined) return Number.NEGATIVE_INFINITY;
        const hopMs = hopOf(name, window, hop);
        return Math.min(from, Math.floor((at - parseDuration(window)) / hopMs) * hopMs);
      }, Number.POSITIVE_INFINITY);

/**
 * The values at the end of a period, which count the events before it.
 * @param events all that count, of any entity
 * @returns null: the entity has no row
 */
export const atEnd = (
  definitions: Definitions,
  events: readonly RawEvent[],
  entity: readonly Value[],
  end: number,
): Answer | null => {
  const before = events.filter(({ eventTime }) => eventTime < end);
  const answer = oracle(definitions, before, entity, end);
  if (answer.status[0] === 'not-found' || answer.status[0] === 'expired') return null;
  const newest = before.reduce(
    (time, event) =>
      counted(definitions, event) &&
      keyValues(definitions, event.row)?.every((part, i) => part === entity[i])
        ? Math.max(time, event.eventTime)
        : time,
    Number.NEGATIVE_INFINITY,
  );
  return newest >= windowsFrom(definitions, end) ? answer : null;
};

/** A value of SQL in the platform's form. */
const plainValue = (type: SqlType, value: SqlValue): Value => {
  if (value === null) return null;
  if ('element' in type)
    return (value as readonly SqlValue[]).map((one) => plainValue(type.element, one)) as Value;
  if ('fields' in type) throw new Error('no value of a feature is a struct');
  if (type.form === 'timestamp') return Number(value as bigint) / 1000;
  if (type.form === 'long') return Number(value as bigint);
  if (type.form === 'bytes') return Buffer.from(value as Uint8Array).toString('base64');
  return value as Value;
};

/** The rows of a statement, by the names of their columns. Times are epoch ms. */
export const sqlRows = async (
  { sql }: Pick<Platform, 'sql'>,
  statement: string,
  known?: number,
): Promise<readonly Readonly<Record<string, Value>>[]> => {
  const { columns, batches } = await sql.query({
    sql: statement,
    ...(known === undefined ? {} : { known }),
  });
  const rows: Record<string, Value>[] = [];
  for await (const batch of batches)
    for (let i = 0; i < batch.rows; i++)
      rows.push(
        Object.fromEntries(
          columns.map(({ name, type }, c) => [
            name,
            plainValue(type, batch.columns[c]?.[i] as SqlValue),
          ]),
        ),
      );
  return rows;
};
