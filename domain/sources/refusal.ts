/** Why an event is rejected. Not on the hot path, so messages may be costly to make. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { ErrorCode } from '#domain/errors.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import { formatTime, isTime, MIN_TIME, whyNoTime } from '#domain/values/time.ts';
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

function showShort(value: unknown): string {
  let text: string | undefined;
  try {
    text =
      typeof value === 'number'
        ? String(value)
        : typeof value === 'string'
          ? JSON.stringify(value.slice(0, 80))
          : JSON.stringify(value);
  } catch {
    text = undefined;
  }
  text ??= String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const EXPECTED: Readonly<Record<FieldType['base'], string>> = {
  string: 'a string of well-formed Unicode',
  int: 'a whole number from -2147483648 to 2147483647',
  long: 'a whole number within ±(2^53 − 1)',
  float: 'a number',
  double: 'a number',
  boolean: 'true or false',
  timestamp: 'ISO 8601 with a zone (2026-01-31T12:00:00Z) or whole epoch milliseconds',
  date: 'a date as YYYY-MM-DD',
  bytes: 'base64 text with its padding',
};

/** Declared fields have at most 63 characters; an unknown one may have millions. */
const MAX_FIELD = 100;

const refuse = (
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
  const shown = isTime(time) ? formatTime(time) : String(time);
  const bound =
    time < EARLIEST
      ? 'is before the year 1900'
      : `is more than a day past now (${formatTime(now)})`;
  const unit =
    time < EARLIEST || time > MIN_TIME
      ? '; send ISO 8601 with a zone or epoch milliseconds (not seconds, not microseconds)'
      : '';
  return refuse(
    def,
    'MR_EVENT_TIME_ABSURD',
    def.eventTime,
    `the event time ${shown} ${bound}${unit}`,
  );
}

/** The reason why `value` does not fit `type`. */
export function refuseValue(
  def: SourceDefinition,
  field: string,
  type: FieldType,
  value: unknown,
): Refusal {
  if (value === undefined || value === null) {
    if (field === def.eventTime)
      return refuse(
        def,
        'MR_EVENT_TIME_MISSING',
        field,
        `the event time is ${value === null ? 'null' : 'missing'}; send ${EXPECTED[type.base]}`,
      );
    const hint = `send ${type.array ? 'a list' : EXPECTED[type.base]}, or declare the field ${formatFieldType({ ...type, nullable: true })}`;
    return refuse(
      def,
      'MR_FIELD_MISSING',
      field,
      `the field is ${value === null ? 'null, but not nullable' : 'missing'}; ${hint}`,
    );
  }
  if (type.array) {
    if (!Array.isArray(value))
      return refuse(
        def,
        'MR_FIELD_TYPE',
        field,
        `must be a list (${formatFieldType(type)}), got ${showShort(value)}`,
      );
    return refuse(
      def,
      'MR_FIELD_TYPE',
      field,
      `every item must be ${EXPECTED[type.base]} and not null, got ${showShort(value)}`,
    );
  }
  const numeric =
    type.base === 'int' || type.base === 'long' || type.base === 'float' || type.base === 'double';
  const time = type.base === 'timestamp' || type.base === 'date';
  if (
    (typeof value === 'number' && !Number.isFinite(value)) ||
    (numeric && typeof value === 'string' && NOT_FINITE.test(value))
  ) {
    return refuse(
      def,
      'MR_FIELD_NOT_FINITE',
      field,
      `${showShort(value)} is not a finite number; send one${type.nullable ? ', or null' : ', or declare the field nullable and send null'}`,
    );
  }
  if (
    typeof value === 'number' &&
    (type.base === 'float' ||
      ((type.base === 'int' || type.base === 'long' || time) && Number.isInteger(value)))
  ) {
    const hint =
      type.base === 'long'
        ? '; send ids as a string'
        : type.base === 'int'
          ? '; declare the field long'
          : '';
    return refuse(
      def,
      'MR_FIELD_RANGE',
      field,
      `${showShort(value)} is out of range for ${type.base}: send ${EXPECTED[type.base]}${hint}`,
    );
  }
  if (typeof value === 'string' && type.base === 'timestamp')
    return refuse(def, 'MR_TIME_INVALID', field, `${showShort(value)} ${whyNoTime(value)}`);
  if (typeof value === 'string' && type.base === 'date')
    return refuse(
      def,
      'MR_TIME_INVALID',
      field,
      `${showShort(value)} is not a date that exists: send YYYY-MM-DD`,
    );
  return refuse(
    def,
    'MR_FIELD_TYPE',
    field,
    `must be ${EXPECTED[type.base]}, got ${showShort(value)}`,
  );
}
