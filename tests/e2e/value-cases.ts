/** What each value in JSON means as a field of each type, at every entry point. */
import { col, count, entity, featureView, last, onDemandFeature, request, source } from 'millrace';
import type { Definition } from '#domain/definitions/model.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';

/** JSON text of a value → the value that reads show, or why it is refused. */
type Cases = readonly (readonly [json: string, meaning: Scalar | RegExp])[];

const OUT_OF_INT = /out of range for int/;
const OUT_OF_LONG = /out of range for long/;
const NO_NUMBER = /must be a number/;

export const CASES: Readonly<Record<ScalarType, Cases>> = {
  string: [
    ['"x"', 'x'],
    ['""', ''],
    ['" 5 "', ' 5 '],
    ['"\\u0000é\\ufeff"', '\u0000é\ufeff'],
    ['"\\ud800"', /well-formed/],
    ['5', /a string \("5"\), got 5\b/],
    ['12.30', /got 12\.3\b/],
    ['18446744073709551615', /got 18446744073709551615\b/],
    ['true', /a string \("true"\), got true/],
  ],
  int: [
    ['5', 5],
    ['5.0', 5],
    ['-0', 0],
    ['1e3', 1000],
    ['2147483647', 2147483647],
    ['-2147483648', -2147483648],
    ['2147483648', OUT_OF_INT],
    ['9007199254740993', /9007199254740993 is out of range for int/],
    ['1.5', /got 1\.5/],
    ['1.0000000000000000000001', /got 1\.0000000000000000000001/],
    ['1e-400', /got 1e-400/],
    ['"5"', /got "5"/],
    ['true', /got true/],
  ],
  long: [
    ['5', 5],
    ['5.0', 5],
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', /9007199254740992 is out of range for long/],
    ['9007199254740993', /9007199254740993 is out of range for long.*as a string/],
    ['-9007199254740993', /-9007199254740993 is out of range/],
    ['18446744073709551615', /18446744073709551615 is out of range/],
    ['1e300', OUT_OF_LONG],
    ['0.5', /got 0\.5/],
    ['0.00000000000000000', 0],
    ['-3.0000000000000000000001', /got -3\.0000000000000000000001/],
  ],
  float: [
    ['1.111', 1.111],
    ['0.1', 0.1],
    ['-0.0', 0],
    ['16777217', 16777216],
    ['3.4028235e38', 3.4028235e38],
    ['1e-45', 1e-45],
    ['1e39', /out of range for float/],
    ['"1"', NO_NUMBER],
  ],
  double: [
    ['1.111', 1.111],
    ['-0.0', 0],
    ['9007199254740993', 9007199254740992],
    ['18446744073709551615', 18446744073709552000],
    ['5e-324', 5e-324],
    ['1.0000000000000000000001', 1],
    ['1e-400', 0],
    ['1.7976931348623157e308', 1.7976931348623157e308],
    ['1e999', /not a finite number/],
    ['"NaN"', /not a finite number/],
    ['"1"', NO_NUMBER],
  ],
  boolean: [
    ['true', true],
    ['false', false],
    ['1', /true or false/],
    ['"true"', /true or false/],
  ],
  timestamp: [
    ['"2024-02-29T12:00:00Z"', 1709208000000],
    ['"2024-02-29T14:00:00.123456789+02:00"', 1709208000123],
    ['1709208000000', 1709208000000],
    ['-1', -1],
    ['"1969-12-31T23:59:59.999999Z"', -1],
    ['"1970-01-20T18:46:48Z"', 1709208000 - (1709208000 % 1000)],
    ['"0001-01-01T00:00:00Z"', -62135596800000],
    ['"9999-12-31T23:59:59.999Z"', 253402300799999],
    ['1709208000', /seconds: multiply it by 1,000/],
    ['1709208000000000', /microseconds: divide it by 1,000/],
    ['1709208000000000000', /nanoseconds: divide it by 1,000,000/],
    ['1709208000000.5', /epoch milliseconds/],
    ['"2024-02-29"', /is a date, not a point in time/],
    ['"2024-02-29T12:00:00"', /has no zone/],
  ],
  date: [
    ['"2024-02-29"', 19782],
    ['"2024-02-29T00:00:00Z"', 19782],
    ['"2024-02-29 00:00:00"', 19782],
    ['"2024-02-29T00:00:00.000+00:00"', 19782],
    ['19782', 19782],
    ['"0001-01-01"', -719162],
    ['"9999-12-31"', 2932896],
    ['"2023-02-29"', /not a date that exists/],
    ['"2024-02-29T01:00:00Z"', /not a date that exists/],
    ['1.5', /YYYY-MM-DD/],
  ],
  bytes: [
    ['"aGk="', 'aGk='],
    ['""', ''],
    ['"aGk"', /base64/],
    ['5', /base64/],
  ],
};
export const TYPES = Object.keys(CASES) as ScalarType[];

export const sourceOf = (type: ScalarType) =>
  source({
    name: `s_${type}`,
    fields: { ts: 'timestamp', id: 'string', v: `${type}?` },
    eventTime: 'ts',
  });
/** The types that a key may have. */
export const KEY_TYPES: readonly ScalarType[] = [
  'string',
  'int',
  'long',
  'boolean',
  'timestamp',
  'date',
];

export const definitionsOf = (type: ScalarType): readonly Definition[] => {
  const events = sourceOf(type);
  const one = entity({ name: `by_id_${type}`, keys: { id: 'string' } });
  const key = entity({ name: `by_v_${type}`, keys: { v: type } });
  const isKey = KEY_TYPES.includes(type);
  return [
    events,
    one,
    ...(isKey ? [key] : []),
    featureView({
      name: `values_${type}`,
      entity: one,
      source: events,
      features: { v: last(col('v')) },
    }),
    ...(isKey
      ? [
          featureView({
            name: `keys_${type}`,
            entity: key,
            source: events,
            features: { n: count() },
          }),
        ]
      : []),
    onDemandFeature({
      name: `input_${type}`,
      type,
      inputs: { r: request('r', type) },
      value: ({ r }) => r,
    }),
  ];
};
