import type { SourceDefinition } from '#domain/definitions/model.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { Row } from '#domain/values/value.ts';

const DAY_MS = 86_400_000;

/** Event time of a row, epoch ms; a date is its midnight, UTC. */
export const eventTimeOf = (source: SourceDefinition): ((row: Row) => number) => {
  const field = source.eventTime;
  const isDate = parseFieldType(source.fields[field] ?? 'timestamp').base === 'date';
  return isDate ? (row) => (row[field] as number) * DAY_MS : (row) => row[field] as number;
};
