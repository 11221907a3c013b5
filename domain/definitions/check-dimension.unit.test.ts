/** Dimensions that are refused, and what a revision of one may change. */
import { col, count, entity, featureView, last, source } from 'millrace';
import { describe, expect, test } from 'vitest';
import { sourceRevision } from '#domain/sources/source-revision.ts';
import { checkDefinition, type Lookups } from './check.ts';
import type { SourceDefinition } from './model.ts';
import { parseDefinition } from './parse.ts';

const plants: SourceDefinition = source({
  name: 'plants',
  fields: { id: 'int', plot: 'int?', at: 'timestamp', gone: 'boolean?', height: 'double?' },
  eventTime: 'at',
  dimension: { key: ['id'], deleted: 'gone' },
});
const plant = entity({ name: 'plant', keys: { id: 'int' } });
const plot = entity({ name: 'plot', keys: { plot: 'int' } });
const lookups: Lookups = {
  entity: (name) => [plant, plot].find((one) => one.name === name),
  source: (name) => (name === plants.name ? plants : undefined),
  view: () => undefined,
  onDemand: () => undefined,
};
const problemsOf = (definition: unknown): readonly string[] =>
  checkDefinition(parseDefinition(JSON.parse(JSON.stringify(definition))), lookups).map(
    ({ message }) => message,
  );
const dimension = (more: object): object => ({
  ...plants,
  dimension: { ...plants.dimension, ...more },
});

describe('is refused', () => {
  const cases: readonly (readonly [string, object, RegExp])[] = [
    ['no key', dimension({ key: [] }), /dimension\.key is empty/],
    ['a key of no field', dimension({ key: ['ID'] }), /names "ID", which is not a field/],
    ['a key of a type without equality', dimension({ key: ['height'] }), /cannot use height/],
    ['a nullable key', dimension({ key: ['plot'] }), /plot cannot be nullable/],
    ['the event time as key', dimension({ key: ['id', 'at'] }), /cannot use the event time/],
    ['deleted of no field', dimension({ deleted: 'dead' }), /names "dead", which is not a field/],
    ['deleted of another type', dimension({ deleted: 'height' }), /must be of type boolean\?/],
    [
      'deleted that is never null',
      { ...plants, fields: { ...plants.fields, gone: 'boolean' } },
      /must be of type boolean\?/,
    ],
    [
      'a field that a tombstone lacks',
      { ...plants, fields: { ...plants.fields, height: 'double' } },
      /height must be nullable \("double\?"\), because a tombstone/,
    ],
    ['partitions by another field', { ...plants, partitionBy: ['plot'] }, /lose their order/],
    [
      'change records without dimension',
      { ...plants, dimension: undefined, changes: 'debezium' },
      /changes needs dimension/,
    ],
    [
      'change records without deleted',
      { ...plants, dimension: { key: ['id'] }, changes: 'debezium' },
      /changes needs dimension\.deleted/,
    ],
    [
      'a view whose entity is no row',
      featureView({ name: 'plots', entity: plot, source: plants, features: { n: count() } }),
      /the keys of plot are the fields plot, but the key of the dimension plants is id/,
    ],
  ];
  test.each(cases)('%s', (_, definition, message) => {
    expect(problemsOf(definition)).toEqual([expect.stringMatching(message)]);
  });
  test('another format of change records', () => {
    expect(() => parseDefinition({ ...plants, changes: 'maxwell' })).toThrow(/must be debezium/);
  });
});

test('a source and a view that fit are not refused', () => {
  const features = { height: last(col('height')), n: count() };
  expect(problemsOf({ ...plants, changes: 'debezium' })).toEqual([]);
  expect(
    problemsOf(featureView({ name: 'heights', entity: plant, source: plants, features })),
  ).toEqual([]);
});

test('a revision keeps the key and the tombstones', () => {
  const { dimension: _, ...events } = plants;
  const changed = (before: SourceDefinition, after: SourceDefinition) =>
    sourceRevision(before, after).map(({ path, final }) => [path, final]);
  expect(changed(events, plants)).toEqual([
    ['dimension.key', true],
    ['dimension.deleted', true],
  ]);
  expect(changed(plants, { ...plants, dimension: { key: ['id'] } })).toEqual([
    ['dimension.deleted', true],
  ]);
  expect(changed(plants, { ...plants, changes: 'debezium' })).toEqual([['changes', false]]);
});
