/** Field types, default hops, statuses and limits of definitions. */

import { MAX_EVENT_BYTES } from '#commands/ingest/ingest-event.ts';
import { KEY_TYPES } from '#domain/definitions/check.ts';
import { FIELD_NAME_RULE, NAME_RULE } from '#domain/definitions/names.ts';
import { MAX_FIELDS, MAX_TAG_LENGTH, MAX_TAGS } from '#domain/definitions/properties.ts';
import { MAX_TEXT } from '#domain/definitions/reader.ts';
import { MAX_DEPTH, MAX_LITERAL, MAX_NODES } from '#domain/expressions/parse-expr.ts';
import { hopOf, MAX_TILES } from '#domain/plan/hop.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { coverageText } from '#domain/plan/window-text.ts';
import { formatDuration, MAX_DURATION_MS, parseDuration } from '#domain/values/duration.ts';
import { EXPECTED } from '#domain/values/expected.ts';
import { fieldType, isNumeric } from '#domain/values/field-type.ts';
import type { ScalarType } from '#domain/values/value.ts';
import { codeText, numberText, table } from './table.ts';

/** The value, and how answers have it in JSON; `EXPECTED` says what to send. */
const TYPES: Readonly<Record<ScalarType, readonly [value: string, answer: string]>> = {
  string: ['text of well-formed Unicode', 'text'],
  int: ['whole number of 32 bits', 'number'],
  long: ['whole number that a double holds exactly', 'number'],
  float: [
    'floating-point number of 32 bits, finite',
    'the shortest number that reads back as the same float',
  ],
  double: ['floating-point number of 64 bits, finite', 'number'],
  boolean: ['true or false', 'true or false'],
  timestamp: ['point in time, to the millisecond', 'epoch milliseconds'],
  date: ['day, without a time', 'days since 1970-01-01'],
  bytes: ['bytes', 'base64 text'],
};

export const typesTable = (): readonly string[] =>
  table(
    ['type', 'value', 'send', 'in answers', 'number', 'entity key'],
    Object.entries(TYPES).map(([name, [value, answer]]) => {
      const type = name as ScalarType;
      return [
        codeText(type),
        value,
        EXPECTED[type],
        answer,
        isNumeric(fieldType(type)) ? 'yes' : '',
        KEY_TYPES.has(type) ? 'yes' : '',
      ];
    }),
  );

/** Windows that people use, and the ends of the ranges that share a hop. */
const WINDOWS: readonly string[] = [
  ...['1s', '10s', '30s', '1m', '5m', '10m', '15m', '30m'],
  ...['1h', '2h', '3h', '6h', '12h', '1d', '2d', '3d', '7d', '14d', '21d', '28d'],
  ...['30d', '60d', '90d', '180d', '365d'],
];

export const hopsTable = (): readonly string[] =>
  table(
    ['window', 'default hop', 'tiles', 'a value covers'],
    WINDOWS.map((window) => {
      const [windowMs, hopMs] = [parseDuration(window), hopOf('', window, undefined)];
      return [
        codeText(window),
        codeText(formatDuration(hopMs)),
        numberText(windowMs / hopMs),
        coverageText(windowMs, hopMs),
      ];
    }),
  );

const STATUSES: Readonly<
  Record<FeatureStatus, readonly [meaning: string, counts: string, others: string]>
> = {
  present: ['there is a value', 'a number', 'a value'],
  null: [
    'the entity has events, and they give no value: none in the window, only nulls, too few',
    'never: a count of nothing is 0, and `present`',
    'null',
  ],
  'not-found': [
    'the entity has no event up to `at` that was known at `known`, or is gone from its [dimension](#dimensions)',
    '0',
    'null',
  ],
  expired: ['the newest event of the entity is older than the `ttl` of the view', 'null', 'null'],
  overflow: ['`countDistinct` or `topK` met more distinct values than its `limit`', 'null', 'null'],
};

export const statusTable = (): readonly string[] =>
  table(
    ['status', 'meaning', 'counts', 'other features'],
    Object.entries(STATUSES).map(([status, cells]) => [codeText(status), ...cells]),
  );

export const limitsTable = (): readonly string[] =>
  table(
    ['limit', 'value'],
    [
      ['names of definitions and features', NAME_RULE],
      ['names of fields, keys and inputs', FIELD_NAME_RULE],
      ['keys, fields, features, inputs or members of one definition', numberText(MAX_FIELDS)],
      ['tags, and characters of one', `${MAX_TAGS}, ${MAX_TAG_LENGTH}`],
      ['characters of a text, such as a description', numberText(MAX_TEXT)],
      ['a duration', `at most ${formatDuration(MAX_DURATION_MS)}`],
      ['hops of a window', numberText(MAX_TILES)],
      ['levels of an expression', numberText(MAX_DEPTH)],
      ['nodes of an expression', numberText(MAX_NODES)],
      ['characters of a literal', numberText(MAX_LITERAL)],
      ['bytes of an event', numberText(MAX_EVENT_BYTES)],
    ],
  );
