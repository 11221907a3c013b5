/**
 * Feast's writes: a data frame becomes raw events of a source. Feast's push source is the source of
 * that name. A write to a feature view becomes events of the view's source, because in Millrace all
 * values come from events.
 *
 * The columns of the frame are the fields of the source. If the event-time field has no column,
 * `event_timestamp` is used. A time without a zone is UTC, as Feast's client sends it, and a number
 * is seconds. Columns that the source does not have (`created`) are ignored.
 */

import type { Caller } from '#domain/api/caller.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import { plainOfText } from '#domain/values/scalar-of-text.ts';
import { formatTime, isTime } from '#domain/values/time.ts';
import type { ScalarType } from '#domain/values/value.ts';
import { rowsOf } from './online-features.ts';
import { EVERYTHING } from './read.ts';

export type Frame = Readonly<Record<string, readonly unknown[]>>;

const EVENT_TIME = 'event_timestamp';
const TIMED = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d/;
const ZONED = /(?:Z|[+-]\d\d:?\d\d)$/i;

/**
 * Epoch seconds as milliseconds, by their decimal digits: `value * 1000` would not be whole for
 * most fractions. Digits past the millisecond are left out, toward the past.
 */
const msOfSeconds = (value: number): number => {
  const digits = /^(\d+)(?:\.(\d+))?$/.exec(String(Math.abs(value)));
  if (digits === null) return Math.floor(value * 1000);
  const [, whole = '0', fraction = ''] = digits;
  const ms = Number(whole) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
  return value >= 0 ? ms : -ms - (/[1-9]/.test(fraction.slice(3)) ? 1 : 0);
};

/** In seconds, the year 5138: a larger number is in milliseconds. */
const MOST_SECONDS = 1e11;

const timeOf = (field: string, row: number, value: unknown): unknown => {
  if (typeof value === 'number') {
    // As text, because a number at the beginning of 1970 would look like seconds.
    const ms = msOfSeconds(value);
    if (Math.abs(value) < MOST_SECONDS) return isTime(ms) ? formatTime(ms) : ms;
    return fail(
      'MR_BODY_INVALID',
      `row ${row}, "${field}": ${value} is too large for epoch seconds, which numbers are here; divide milliseconds by 1,000, or send ISO 8601`,
      { row, field, value },
    );
  }
  if (Array.isArray(value)) return value.map((item) => timeOf(field, row, item));
  if (typeof value !== 'string' || !TIMED.test(value) || ZONED.test(value)) return value;
  return `${value.replace(' ', 'T')}Z`;
};

/** In one form of Feast's gRPC requests all values are text. */
const ofText = (base: ScalarType, value: unknown): unknown =>
  // Digits are no time here: a number is in seconds, and a text has no unit.
  typeof value !== 'string' || base === 'timestamp' ? value : plainOfText(base, value);

/** @param texts whether numbers and flags may be text */
export const eventsOf = (
  source: SourceDefinition,
  frame: Frame,
  texts = false,
): Record<string, unknown>[] => {
  const from = (field: string): string =>
    field === source.eventTime && frame[field] === undefined ? EVENT_TIME : field;
  const fields = Object.entries(source.fields).map(([name, type]) => ({
    name,
    column: from(name),
    base: parseFieldType(type).base,
  }));
  const known = new Set(fields.map(({ column }) => column));
  if (!Object.keys(frame).some((column) => known.has(column))) {
    fail(
      'MR_BODY_INVALID',
      `df has none of the fields of source "${source.name}": ${Object.keys(source.fields).join(', ')}`,
      {
        source: source.name,
      },
    );
  }
  return rowsOf(frame).map((row, i) => {
    const event: Record<string, unknown> = {};
    if (Object.hasOwn(source.fields, EVERYTHING.key)) event[EVERYTHING.key] = EVERYTHING.value;
    for (const { name, column, base } of fields) {
      const value = texts ? ofText(base, row[column]) : row[column];
      if (value !== undefined) event[name] = base === 'timestamp' ? timeOf(name, i, value) : value;
    }
    return event;
  });
};

const sourceOf = async (
  platform: Platform,
  name: string,
  caller: Caller,
): Promise<SourceDefinition> => {
  const { definition } = await platform.registry.show('source', name, undefined, caller);
  return definition as SourceDefinition;
};

const pushSourceOf = async (
  platform: Platform,
  name: string,
  caller: Caller,
): Promise<SourceDefinition> => {
  try {
    return await sourceOf(platform, name, caller);
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'MR_NOT_FOUND') throw error;
    return fail('MR_UNKNOWN_SOURCE', error.message, { source: name });
  }
};

const write = async (
  platform: Platform,
  source: SourceDefinition,
  frame: Frame,
  caller: Caller,
  texts: boolean,
): Promise<void> => {
  const events = eventsOf(source, frame, texts);
  // Feast's clients expect to read their writes at once.
  const { rejected } = await platform.publishing.publish(
    { source: source.name, events, untilReadable: true },
    caller,
  );
  const [first] = rejected;
  if (first !== undefined) {
    fail(
      'MR_BODY_INVALID',
      `${rejected.length} rows were rejected, the others accepted; row ${first.index}${first.field === undefined ? '' : `, "${first.field}"`}: ${first.message}`,
      { rejected: rejected.slice(0, 10) },
    );
  }
};

/** @param texts whether numbers and flags may be text */
export const push = async (
  platform: Platform,
  source: string,
  frame: Frame,
  caller: Caller,
  texts = false,
): Promise<void> =>
  write(platform, await pushSourceOf(platform, source, caller), frame, caller, texts);

/**
 * Feast's client names the columns after the keys and features of the view. They are renamed to the
 * columns of the source that these are read from.
 */
const byColumn = ({ join, features }: FeatureViewDefinition, frame: Frame): Frame => {
  const columns = new Map(Object.entries(join ?? {}));
  for (const [name, { aggregation, input, window, where }] of Object.entries(features)) {
    if (
      aggregation === 'last' &&
      input?.op === 'col' &&
      window === undefined &&
      where === undefined
    )
      columns.set(name, input.name);
  }
  const columnOf = (name: string): string => {
    const column = columns.get(name);
    return column === undefined || Object.hasOwn(frame, column) ? name : column;
  };
  return Object.fromEntries(
    Object.entries(frame).map(([name, values]) => [columnOf(name), values]),
  );
};

export const writeView = async (
  platform: Platform,
  view: string,
  frame: Frame,
  caller: Caller,
  texts = false,
): Promise<void> => {
  const definition = (await platform.registry.show('feature-view', view, undefined, caller))
    .definition as FeatureViewDefinition;
  return write(
    platform,
    await sourceOf(platform, definition.source, caller),
    byColumn(definition, frame),
    caller,
    texts,
  );
};
