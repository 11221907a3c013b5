/**
 * Which raw events a join counts, and from when on each is visible, as SQL that is the same for
 * every engine: whole numbers, comparisons and CASE. Times are epoch microseconds, as the tables
 * have them; an engine rounds them down to milliseconds, as every reader does.
 */
import type { JoinEvents } from '#domain/ports/join-engine.ts';
import { countsKnownTimes } from '#domain/sources/knowledge.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import type { FieldType } from '#domain/values/value.ts';

export interface EventSyntax {
  readonly name: (column: string) => string;
  /** epoch µs of a timestamp's or date's column */
  readonly micros: (column: string, type: FieldType) => string;
}

export interface EventQuery {
  /** µs */
  readonly eventTime: string;
  readonly visible: string;
  readonly where: string;
}

const TIME: FieldType = { base: 'timestamp', array: false, nullable: false };

const below = (offsets: readonly number[], { name }: EventSyntax): readonly string[] =>
  offsets.map(
    (offset, partition) =>
      `(${name('_partition')} = ${partition} AND ${name('_offset')} < ${offset})`,
  );

const anyOf = (conditions: readonly string[]): string =>
  conditions.length === 0 ? '1 = 0' : `(${conditions.join(' OR ')})`;

/** @param columns those that the files have */
export const eventQuery = (
  { source, mode, knownTimes, raw }: Omit<JoinEvents, 'groups' | 'count'>,
  columns: ReadonlySet<string>,
  syntax: EventSyntax,
): EventQuery => {
  const { imports } = raw;
  const eventTime = syntax.micros(
    source.eventTime,
    sourceFields(source)[source.eventTime] as FieldType,
  );
  const known =
    imports !== undefined && columns.has(imports.field) ? syntax.micros(imports.field, TIME) : null;
  const conditions = [...below(raw.below, syntax)];
  if (imports !== undefined && known !== null && countsKnownTimes(imports, imports.known)) {
    const inTime = `${known} <= ${BigInt(imports.known) * 1000n}`;
    conditions.push(
      imports.end === undefined ? inTime : `(${inTime} AND ${anyOf(below(imports.end, syntax))})`,
    );
  }
  const logTime = syntax.micros('_log_time', TIME);
  const knownFrom =
    knownTimes && known !== null
      ? `CASE WHEN ${known} < ${logTime} THEN ${known} ELSE ${logTime} END`
      : logTime;
  return {
    eventTime,
    visible:
      mode === 'event-time'
        ? eventTime
        : `CASE WHEN ${eventTime} > ${knownFrom} THEN ${eventTime} ELSE ${knownFrom} END`,
    where: anyOf(conditions),
  };
};
