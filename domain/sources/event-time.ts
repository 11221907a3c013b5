/** The event time of a row, epoch ms: a date counts as its midnight in UTC. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { Row } from '#domain/values/value.ts';

export function eventTimeOf(def: SourceDefinition): (row: Row) => number {
  const field = def.eventTime;
  return parseFieldType(def.fields[field] ?? '').base === 'date' ? (row) => (row[field] as number) * 86_400_000 : (row) => row[field] as number;
}
