/** Why an event is rejected. Not on the hot path, so messages may be costly to make. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { ErrorCode } from '#domain/errors.ts';
import { isExactNumber } from '#domain/values/exact-json.ts';
import { EXPECTED, expectedFor, showShort } from '#domain/values/expected.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import { formatTime, isTime, unitHint, whyNoTime } from '#domain/values/time.ts';
import type { FieldType } from '#domain/values/value.ts';

export interface Refusal {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly field: string | null;
  readonly message: string;
}

/** The year 1900. An earlier time is a mistaken unit or a default date. */
export const EARLIEST = Date.UTC(1900, 0, 1);
/** How far a producer's clock may be ahead: one day, ms. */
export const AHEAD = 86_400_000;

const NOT_FINITE = /^[+-]?(nan|inf(inity)?)$/i;

/** Declared fields have at most 63 characters; an unknown one may have millions. */
const MAX_FIELD = 100;

export const refuse = (
  def: SourceDefinition,
  code: ErrorCode,
  named: string | null,
  what: string,
): Refusal => {
  const field =
    named !== null && named.length > MAX_FIELD
      ? `${named.slice(0, MAX_FIELD).toWellFormed()}…`
      : named;
  return {
    ok: false,
    code,
    field,
    message: `${def.name}${field === null ? '' : `.${field}`}: ${what}.`,
  };
};

export const refuseShape = (def: SourceDefinition, input: unknown): Refusal =>
  refuse(
    def,
    'MR_FIELD_TYPE',
    null,
    `an event must be an object with the fields ${Object.keys(def.fields).join(', ')}, got ${showShort(input)}`,
  );

export const refuseUnknown = (def: SourceDefinition, field: string, value: unknown): Refusal =>
  refuse(
    def,
    'MR_FIELD_UNKNOWN',
    field,
    `the source has no such field (value ${showShort(value)}); leave it out, or add it to the source; the fields are ${Object.keys(def.fields).join(', ')}`,
  );

export function refuseTime(def: SourceDefinition, time: number, now: number): Refusal {
  const hint = unitHint(time);
  if (hint !== null)
    return refuse(def, 'MR_EVENT_TIME_ABSURD', def.eventTime, `the event time ${time} ${hint}`);
  const shown = isTime(time) ? formatTime(time) : String(time);
  const bound =
    time < EARLIEST
      ? 'is before the year 1900'
      : `is more than a day past now (${formatTime(now)})`;
  return refuse(
    def,
    'MR_EVENT_TIME_ABSURD',
    def.eventTime,
    `the event time ${shown} ${bound}; send ISO 8601 with a zone or epoch milliseconds`,
  );
}

/** The reason why item `i` of a list does not fit the list's type. */
export const refuseItem = (
  def: SourceDefinition,
  field: string,
  type: FieldType,
  i: number,
  value: unknown,
): Refusal => {
  const { code, message } = reasonOf({ ...type, array: false, nullable: false }, value);
  const what =
    value === null || value === undefined
      ? `item ${i + 1} of the list is null, and items of ${formatFieldType(type)} are never null: leave it out`
      : `item ${i + 1} of the list: ${message}`;
  return refuse(
    def,
    value === null || value === undefined ? 'MR_FIELD_MISSING' : code,
    field,
    what,
  );
};

/** The reason why `value` does not fit the type of a field. */
export function refuseValue(
  def: SourceDefinition,
  field: string,
  type: FieldType,
  value: unknown,
): Refusal {
  if (value !== undefined && value !== null) {
    const { code, message } = reasonOf(type, value);
    const isTimeOfEvent = field === def.eventTime && code === 'MR_FIELD_RANGE';
    return refuse(def, isTimeOfEvent ? 'MR_EVENT_TIME_ABSURD' : code, field, message);
  }
  const what = value === null ? 'null' : 'missing';
  if (field === def.eventTime)
    return refuse(
      def,
      'MR_EVENT_TIME_MISSING',
      field,
      `the event time is ${what}; send ${EXPECTED[type.base]}`,
    );
  const hint = `send ${type.array ? 'a list' : EXPECTED[type.base]}, or declare the field ${formatFieldType({ ...type, nullable: true })}`;
  return refuse(
    def,
    'MR_FIELD_MISSING',
    field,
    `the field is ${value === null ? 'null, but not nullable' : what}; ${hint}`,
  );
}

interface WrongValue {
  readonly code: ErrorCode;
  /** without the field's name and without a point */
  readonly message: string;
}

const RANGE_HINTS: Readonly<Partial<Record<FieldType['base'], string>>> = {
  long: '; send ids as a string',
  int: '; declare the field long',
};

/** Why a value that is not null does not fit a type. */
export const reasonOf = (type: FieldType, value: unknown): WrongValue => {
  const shown = showShort(value);
  if (type.array)
    return {
      code: 'MR_FIELD_TYPE',
      message: `must be a list (${formatFieldType(type)}), got ${shown}`,
    };
  const { base } = type;
  const isText = typeof value === 'string';
  const whole = base === 'int' || base === 'long';
  const time = base === 'timestamp' || base === 'date';
  const numeric = whole || base === 'float' || base === 'double';
  if (
    (typeof value === 'number' && !Number.isFinite(value)) ||
    (numeric && isText && NOT_FINITE.test(value))
  )
    return {
      code: 'MR_FIELD_NOT_FINITE',
      message: `${shown} is not a finite number; send one${type.nullable ? ', or null' : ', or declare the field nullable and send null'}`,
    };
  const isWhole = isExactNumber(value) ? /^-?\d+$/.test(value.rawJSON) : Number.isInteger(value);
  if ((typeof value === 'number' && base === 'float') || ((whole || time) && isWhole)) {
    const unit = base === 'timestamp' ? unitHint(Number(shown)) : null;
    return {
      code: 'MR_FIELD_RANGE',
      message:
        unit === null
          ? `${shown} is out of range for ${base}: send ${EXPECTED[base]}${RANGE_HINTS[base] ?? ''}`
          : `${shown} ${unit}`,
    };
  }
  if (isText && base === 'timestamp')
    return { code: 'MR_TIME_INVALID', message: `${shown} ${whyNoTime(value)}` };
  if (isText && base === 'date')
    return {
      code: 'MR_TIME_INVALID',
      message: `${shown} is not a date that exists: send YYYY-MM-DD`,
    };
  return { code: 'MR_FIELD_TYPE', message: `must be ${expectedFor(base, value)}, got ${shown}` };
};
