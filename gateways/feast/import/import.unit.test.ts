/** Names and layout of what an import writes. */
import { expect, test } from 'vitest';
import { createNames, fieldNameFrom, nameFrom, nameOfPlace } from './names.ts';
import { call, list, object, print, text } from './print.ts';

test('a name that will do stays; another is made one', () => {
  expect(
    [
      'driver_stats',
      'DriverStats',
      'driver-stats',
      '7days',
      'Ångström',
      '__x',
      '',
      'x'.repeat(70),
    ].map(nameFrom),
  ).toEqual([
    'driver_stats',
    'driver_stats',
    'driver_stats',
    'f_7days',
    'ngstr_m',
    'x',
    'f',
    'x'.repeat(63),
  ]);
  expect(['Rating', 'a b', '__dummy_id', '1st', 'é'].map(fieldNameFrom)).toEqual([
    'Rating',
    'a_b',
    'dummy_id',
    'f_1st',
    'f',
  ]);
});

test('a source without a name of its own is named after its table or file', () => {
  expect(
    [
      's3://lake/raw/driver_stats.parquet',
      'data/rows.snappy.parquet',
      'project.set.rides',
      'file:///d/Trips/',
      'rides',
    ].map(nameOfPlace),
  ).toEqual(['driver_stats', 'rows_snappy', 'rides', 'trips', 'rides']);
});

test('of two that want one name, the second gets a number, and each keeps its own', () => {
  const names = createNames();
  expect([names.of('A-b', 'a_b'), names.of('a.b', 'a_b'), names.of('A-b', 'a_b')]).toEqual([
    'a_b',
    'a_b_2',
    'a_b',
  ]);
});

test('a group stands on a line where it fits, else its items do', () => {
  const long = list(Array.from({ length: 12 }, (_, i) => text(`number ${i}`)));
  expect(
    print(
      call(
        'entity',
        object([
          ['name', text("it's")],
          ['a-b', '1'],
          ['none', undefined],
        ]),
      ),
    ),
  ).toBe(`entity({ name: "it's", 'a-b': 1 })`);
  expect(print(call('f', object([['items', long]])))).toBe(
    `f({\n  items: [\n${Array.from({ length: 12 }, (_, i) => `    'number ${i}',\n`).join('')}  ],\n})`,
  );
  expect(text('a\n\u2028\\"\'')).toBe(`'a\\n\\u2028\\\\"\\''`);
});
