/**
 * Change records of Debezium as events of a dimension: `{before, after, op, ts_ms, source}`, bare
 * or as the `payload` beside its `schema`.
 *
 *   c, r, u   the columns of `after` that the source declares; others are left out
 *   d         a tombstone: the key of `before`
 *
 * The event time is a column of `after` with the name of the event time field, if there is one.
 * Else it is the time of the change in the database (`source.ts_ms`), or in the connector
 * (`ts_ms`). A deleted row has no `after`, so its time is always that of the change.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { ErrorCode } from '#domain/errors.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import { formatTime, isTime } from '#domain/values/time.ts';
import { kindsOfColumns, readColumn } from './debezium-types.ts';
import { sourceFields } from './source-schema.ts';

type Json = Readonly<Record<string, unknown>>;

export type ReadChange =
  | { readonly ok: true; readonly event: Json }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly field: string | null;
      readonly message: string;
    };

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const refused = (
  message: string,
  field: string | null = null,
  code: ErrorCode = 'MR_CHANGE_INVALID',
): ReadChange => ({ ok: false, code, field, message });

/** What Postgres' connector sends for a large column that an update did not touch. */
const UNAVAILABLE = '__debezium_unavailable_value';

const keyText = (row: Json, key: readonly string[]): string =>
  JSON.stringify(key.map((field) => row[field] ?? null));

/** @param schema of an Avro record; a JSON record has its own beside its payload */
export const debeziumReader = (
  def: SourceDefinition,
): ((record: unknown, schema?: unknown) => ReadChange) => {
  const { key = [], deleted = '' } = def.dimension ?? {};
  const { eventTime, name } = def;
  const fields = Object.entries(sourceFields(def));
  const timeIsDate = parseFieldType(def.fields[eventTime] ?? 'timestamp').base === 'date';

  return (record, schema) => {
    const wrapped = isObject(record) && isObject(record.payload) && 'schema' in record;
    const envelope = wrapped ? record.payload : record;
    if (!isObject(envelope) || typeof envelope.op !== 'string')
      return refused(
        `${name}: a change record has "op", "before" and "after"; this one has no "op": send Debezium's envelope, without the transform that unwraps it`,
      );
    const { op, before, after } = envelope;
    if (op !== 'c' && op !== 'r' && op !== 'u' && op !== 'd')
      return refused(
        `${name}: op ${JSON.stringify(op).slice(0, 40)} is none of c, u, d and r, so it changes no row; leave such records out in the connector`,
        'op',
      );
    const row = op === 'd' ? before : after;
    const part = op === 'd' ? 'before' : 'after';
    if (!isObject(row))
      return refused(
        `${name}: op "${op}" needs the row in "${part}", which is ${JSON.stringify(row ?? null).slice(0, 40)}; ${op === 'd' ? "let the database log the old row's key (REPLICA IDENTITY)" : 'send the whole envelope'}`,
        part,
      );
    const lacking = key.find((field) => row[field] === undefined || row[field] === null);
    if (lacking !== undefined)
      return refused(
        `${name}: the key field ${lacking} is not in "${part}"; the key is ${key.join(', ')}`,
        lacking,
        'MR_FIELD_MISSING',
      );
    if (op === 'u' && isObject(before) && key.every((field) => before[field] != null)) {
      if (keyText(before, key) !== keyText(row, key))
        return refused(
          `${name}: the update changes the key from ${keyText(before, key)} to ${keyText(row, key)}; send a delete and a create instead`,
          key[0] ?? null,
        );
    }
    const kinds = kindsOfColumns(wrapped ? record.schema : schema, part);
    const event: Record<string, unknown> = {};
    for (const [field, type] of fields) {
      if (!Object.hasOwn(row, field) || (op === 'd' && !key.includes(field))) continue;
      if (row[field] === UNAVAILABLE)
        return refused(
          `${name}.${field}: the connector has no value of this column; set REPLICA IDENTITY FULL for the table`,
          field,
        );
      const read = readColumn(row[field], kinds.get(field), type);
      if (!read.ok) return refused(`${name}.${field}: ${read.why}`, field);
      event[field] = read.value;
    }
    if (op === 'd') event[deleted] = true;
    if (event[eventTime] === undefined || event[eventTime] === null) {
      const source = isObject(envelope.source) ? envelope.source : {};
      // Some connectors have no time for the rows of their first reading, and send 0.
      const ms = source.ts_ms || envelope.ts_ms;
      if (typeof ms !== 'number' || !isTime(ms) || ms <= 0)
        return refused(
          `${name}: the change record has no time: source.ts_ms and ts_ms are missing`,
          eventTime,
          'MR_EVENT_TIME_MISSING',
        );
      event[eventTime] = timeIsDate ? Math.floor(ms / 86_400_000) : formatTime(ms);
    }
    return { ok: true, event };
  };
};
