/** The rows of a snapshot as events at its time, and the tombstones of rows that are gone. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { refuseKnownTime } from '#domain/sources/known-time.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Row, Value } from '#domain/values/value.ts';
import type { Reason } from './ingest-event.ts';
import type { SourceIngest } from './source-ingest.ts';

export interface SnapshotRow {
  readonly row: Row;
  readonly id: string | null;
}

const DAY_MS = 86_400_000;

/** @throws MR_TIME_INVALID where the source's times are dates, and the time is no midnight */
const timeValue = ({ name, eventTime, fields }: SourceDefinition, time: number): Value => {
  if (fields[eventTime] !== 'date') return formatTime(time);
  if (time % DAY_MS === 0) return time / DAY_MS;
  return fail(
    'MR_TIME_INVALID',
    `${formatTime(time)} is not the midnight of a day, and ${name}.${eventTime} is a date`,
  );
};

/** Reads a row that has no time of its own: the snapshot's time is its event time. */
export const snapshotReader = (
  { definition, validate }: SourceIngest,
  time: number,
  now: number,
): ((sent: unknown) => SnapshotRow | Reason) => {
  const { name, eventTime, dimension } = definition;
  const at = timeValue(definition, time);
  const deleted = dimension?.deleted ?? '';
  return (sent) => {
    const isRow = typeof sent === 'object' && sent !== null && !Array.isArray(sent);
    const checked = validate(isRow ? { ...sent, [eventTime]: at } : sent, now);
    if (!checked.ok) return checked;
    const refusal = refuseKnownTime(definition, checked.row, now);
    if (refusal !== null) return refusal;
    const given = (sent as Readonly<Record<string, unknown>>)[eventTime];
    if (given !== undefined && given !== null && given !== at && given !== time) {
      const message = `${name}.${eventTime}: the row has the time ${JSON.stringify(given)}, and a row of a snapshot holds from the snapshot's time on: leave the field out, or publish the rows as events`;
      return { code: 'MR_EVENT_TIME_ABSURD', field: eventTime, message };
    }
    if (checked.row[deleted] === true) {
      const message = `${name}.${deleted} is true, and a snapshot has only rows that are there: leave the row out`;
      return { code: 'MR_SNAPSHOT_INVALID', field: deleted, message };
    }
    return checked;
  };
};

/** Whether two rows differ in their time only. */
export const sameRow = (definition: SourceDefinition): ((a: Row, b: Row) => boolean) => {
  const { eventTime, dimension, knownTime } = definition;
  const ours = [eventTime, knownTime, dimension?.deleted];
  const fields = Object.keys(definition.fields).filter((field) => !ours.includes(field));
  const same = (a: Value, b: Value): boolean =>
    Array.isArray(a) || Array.isArray(b) ? JSON.stringify(a) === JSON.stringify(b) : a === b;
  return (a, b) => fields.every((field) => same(a[field] ?? null, b[field] ?? null));
};

/** The tombstone of a row: its key, the time, and nothing else. */
export const tombstoneOf = (
  { definition, validate }: SourceIngest,
  time: number,
  now: number,
): ((row: Row) => Row) => {
  const { eventTime, dimension } = definition;
  const { key = [], deleted = '' } = dimension ?? {};
  const types = sourceFields(definition);
  const at = timeValue(definition, time);
  // A number that looks like seconds would be refused where it is a time.
  const shown = (field: string, value: Value): Value =>
    types[field]?.base === 'timestamp' && typeof value === 'number' ? formatTime(value) : value;
  return (row) => {
    const keys = key.map((field) => [field, shown(field, row[field] ?? null)] as const);
    const checked = validate(
      { ...Object.fromEntries(keys), [deleted]: true, [eventTime]: at },
      now,
    );
    return checked.ok ? checked.row : fail(checked.code, checked.message);
  };
};
