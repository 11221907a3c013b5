/** What the history's suite writes: schemas of the log, and rows of them. */
import type { Row } from '#domain/values/value.ts';

/** raw.<source> */
export const FLIGHTS_AVRO = {
  type: 'record',
  name: 'flights',
  eventTime: 'date',
  fields: [
    { name: 'date', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'origin', type: 'string' },
    { name: 'delay', type: ['null', 'double'] },
    { name: 'seats', type: ['null', 'int'] },
    { name: 'big', type: ['null', 'long'] },
    { name: 'ok', type: ['null', 'boolean'] },
    { name: 'day', type: ['null', { type: 'int', logicalType: 'date' }] },
    { name: 'blob', type: ['null', 'bytes'] },
    { name: 'tags', type: ['null', { type: 'array', items: 'string' }] },
    { name: 'ratio', type: ['null', 'float'] },
  ],
} as const;

export const FLIGHTS_EVOLVED_AVRO = {
  ...FLIGHTS_AVRO,
  fields: [
    ...FLIGHTS_AVRO.fields.map((field) =>
      field.name === 'seats' ? { name: 'seats', type: ['null', 'long'] } : field,
    ),
    { name: 'note', type: ['null', 'string'] },
  ],
};

export const FLIGHTS_DOUBLES_AVRO = {
  ...FLIGHTS_EVOLVED_AVRO,
  fields: FLIGHTS_EVOLVED_AVRO.fields.map((field) =>
    ['seats', 'big', 'ratio'].includes(field.name)
      ? { name: field.name, type: ['null', 'double'] }
      : field,
  ),
};

/** features.<view>, where the history takes any schema */
export const UPDATES_AVRO = {
  type: 'record',
  name: 'delays',
  fields: [
    { name: 'origin', type: 'string' },
    { name: 'hop_ms', type: 'long' },
    { name: 'tile_start', type: 'long' },
    { name: 'p_1__sum', type: ['null', 'double'] },
    {
      name: 'p_2__items',
      type: [
        'null',
        {
          type: 'array',
          items: {
            type: 'record',
            name: 'item',
            fields: [
              { name: 'value', type: ['null', 'string', 'double'] },
              { name: 'offset', type: 'long' },
            ],
          },
        },
      ],
    },
    { name: 'p_3__counts', type: ['null', { type: 'map', values: 'long' }] },
  ],
} as const;

export const DAY = 86_400_000;
export const T = Date.UTC(2001, 0, 10);

/** Two rows of UPDATES_AVRO; `key` selects the first. */
export interface TwoUpdates {
  readonly rows: readonly [object, object];
  readonly key: Row;
}

export const UPDATES: TwoUpdates = {
  rows: [
    {
      origin: 'ATL',
      hop_ms: 60000,
      tile_start: T,
      p_1__sum: 1.5,
      p_2__items: [
        { value: 'x', offset: 1 },
        { value: 2.5, offset: 2 },
      ],
      p_3__counts: { a: 1 },
    },
    {
      origin: 'JFK',
      hop_ms: 60000,
      tile_start: T,
      p_1__sum: null,
      p_2__items: null,
      p_3__counts: null,
    },
  ],
  key: { origin: 'ATL', tile_start: T },
};

export const flight = (date: number, origin: string, more: Row = {}): Row => ({
  date,
  origin,
  delay: null,
  seats: null,
  big: null,
  ok: null,
  day: null,
  blob: null,
  tags: null,
  ratio: null,
  ...more,
});

export const pick = <T>(from: readonly T[], i: number): T => from[i % from.length] as T;

export const ORIGINS = ['', 'é', '\uFEFFbom', 'n\u0000ul', 'x'.repeat(300), '🛫', '\uFFFD'].concat(
  Array.from({ length: 90 }, (_, i) => `airport-${i}`),
);

/** Rows have times from a day before 1970 on, of so many days. */
export const MIXED_DAYS = 3;

/** The same rows in each run: values of all kinds, times and keys in no order. */
export const mixedFlights = (begin: number, end: number): Row[] =>
  Array.from({ length: end - begin }, (_, n) => {
    const i = begin + n;
    const mixed = Math.imul(i + 1, 2654435761) >>> 0;
    return flight((mixed % (MIXED_DAYS * DAY)) - DAY, pick(ORIGINS, mixed >>> 7), {
      seats: mixed % 7 === 0 ? null : (mixed >>> 4) % 12,
      delay: mixed % 5 === 0 ? null : ((mixed >>> 3) % 40) / 10,
      ok: pick([null, true, false], mixed >>> 9),
      day: mixed % 3 === 0 ? null : ((mixed >>> 5) % 30) - 15,
      big: mixed % 4 === 0 ? null : -(2 ** 50) + ((mixed >>> 8) % 25),
      blob: mixed % 2 === 0 ? null : (Buffer.from([mixed & 255]) as unknown as string),
    });
  });
