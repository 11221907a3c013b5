/**
 * Serializes Feast's answer to `get-online-features`: by column, join keys first.
 *
 *   {"results":[{"values":[…],"statuses":[…],"event_timestamps":[…]},…],
 *    "metadata":{"feature_names":[…]}}
 *
 * One known bug of Feast is fixed: a null is NULL_VALUE and a value past its view's ttl is
 * OUTSIDE_MAX_AGE, where Feast answers PRESENT (as `statuses: 'feast'` does). The timestamps of a
 * column are those of the row's entity in the view of the column.
 */

import type { ReadOrigins, ReadRequest, ReadResult } from '#domain/api/serving.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import type { FieldType, Row, ScalarType, Value } from '#domain/values/value.ts';
import { setOwn } from '#gateways/shared/own-property.ts';
import { namesOf } from './read.ts';

export interface OnlineFeaturesBody {
  readonly entities: Readonly<Record<string, readonly unknown[]>>;
  readonly features?: readonly string[];
  readonly feature_service?: string | null;
  readonly full_feature_names?: boolean;
  readonly include_feature_view_version_metadata?: boolean;
}

export type FeastStatuses = 'exact' | 'feast';

export const STATUS: Readonly<Record<FeatureStatus, string>> = {
  present: 'PRESENT',
  null: 'NULL_VALUE',
  'not-found': 'NOT_FOUND',
  expired: 'OUTSIDE_MAX_AGE',
  overflow: 'INVALID',
};
export const AS_FEAST: Readonly<Record<FeatureStatus, string>> = {
  ...STATUS,
  null: 'PRESENT',
  expired: 'PRESENT',
};
const EPOCH = '1970-01-01T00:00:00Z';

/** The rows of a request that has columns. The caller has checked that all have one length. */
export const rowsOf = (columns: Readonly<Record<string, readonly unknown[]>>): Row[] => {
  const names = Object.keys(columns);
  const rows: Record<string, Value>[] = [];
  for (let i = 0; i < (columns[names[0] as string]?.length ?? 0); i++) {
    const row: Record<string, Value> = {};
    for (const name of names) setOwn(row, name, columns[name]?.[i] as Value);
    rows.push(row);
  }
  return rows;
};

/** A row has entity keys and request inputs together; the read takes what it needs of each. */
export const readRequestOf = (body: OnlineFeaturesBody): ReadRequest => {
  const rows = rowsOf(body.entities);
  const what =
    body.feature_service == null
      ? { features: body.features ?? [] }
      : { service: body.feature_service };
  return { ...what, entities: rows as readonly EntityKey[], request: rows, origins: true };
};

/**
 * A double as Python writes it: a whole one has `.0`, from which the client infers the type. NaN
 * and infinity, which JSON does not have, are words.
 */
const doubleText = (value: number): string => {
  if (Number.isInteger(value)) return value < 1e21 && value > -1e21 ? `${value}.0` : `${value}`;
  return Number.isFinite(value)
    ? `${value}`
    : Number.isNaN(value)
      ? '"NaN"'
      : value > 0
        ? '"Infinity"'
        : '"-Infinity"';
};

const secondsText = (value: number): string => `${Math.floor(value / 1000)}`;

/** The writer for the numbers of a type; null: JSON.stringify. */
const numberText = (base: ScalarType): ((value: number) => string) | null =>
  base === 'double' || base === 'float' ? doubleText : base === 'timestamp' ? secondsText : null;

/** JSON.stringify is fastest: used if no value needs the form of Python. */
const asJson = (value: Value): boolean =>
  typeof value !== 'number' || (!Number.isInteger(value) && Number.isFinite(value));

const valuesText = ({ values }: ReadResult, column: number, { base, array }: FieldType): string => {
  const found: Value[] = new Array(values.length);
  for (let row = 0; row < found.length; row++)
    found[row] = (values[row] as readonly Value[])[column] as Value;
  const write = numberText(base);
  if (write === null || (!array && base !== 'timestamp' && found.every(asJson)))
    return JSON.stringify(found);
  const texts = found.map((value) => {
    if (value === null) return 'null';
    return array
      ? `[${(value as readonly number[]).map(write).join(',')}]`
      : write(value as number);
  });
  return `[${texts.join(',')}]`;
};

const repeated = (text: string, count: number): string => {
  const one = JSON.stringify(text);
  return `[${Array.from({ length: count }, () => one).join(',')}]`;
};

const column = (values: string, statuses: string, times: string): string =>
  `{"values":${values},"statuses":${statuses},"event_timestamps":${times}}`;

const timeText = (time: number | null): string =>
  time === null
    ? EPOCH
    : new Date(Math.floor(time / 1000) * 1000).toISOString().replace('.000Z', 'Z');

/** The entity keys in the request's order, without a key that was added to it. */
export const givenKeys = (
  { entities }: OnlineFeaturesBody,
  keys: readonly string[],
): readonly string[] => Object.keys(entities).filter((name) => keys.includes(name));

export const onlineFeaturesText = (
  body: OnlineFeaturesBody,
  result: ReadResult,
  statuses: FeastStatuses,
): string => {
  const { keys, viewOf, types, newest } = result.origins as ReadOrigins;
  const rows = result.entities.length;
  const present = repeated('PRESENT', rows);
  const epochs = repeated(EPOCH, rows);
  const says = statuses === 'feast' ? AS_FEAST : STATUS;
  const times = newest.map((view) => JSON.stringify(view.map(timeText)));
  const statusesText = (feature: number): string => {
    if (result.status.every((row) => row[feature] === 'present')) return present;
    return JSON.stringify(result.status.map((row) => says[row[feature] as FeatureStatus]));
  };
  const given = givenKeys(body, keys);
  const results = given.map((key) => column(JSON.stringify(body.entities[key]), present, epochs));
  for (let feature = 0; feature < result.features.length; feature++)
    results.push(
      column(
        valuesText(result, feature, types[feature] as FieldType),
        statusesText(feature),
        times[viewOf[feature] as number] ?? epochs,
      ),
    );
  const names = JSON.stringify([...given, ...namesOf(result, body.full_feature_names === true)]);
  const views =
    body.include_feature_view_version_metadata === true
      ? `,"feature_view_metadata":${JSON.stringify(result.views.map(({ view, version }) => ({ name: view, version })))}`
      : '';
  return `{"results":[${results.join(',')}],"metadata":{"feature_names":${names}${views}}}`;
};
