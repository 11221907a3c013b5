/**
 * A record of served.<service>: one row of one answer. It holds the caller, the inputs and times of
 * the request; for each view, the generation that answered and how far it had read; and each
 * feature's value and status. The log and the history have the same columns:
 *
 *   request_id, row, rows, actor, service_version, sample, at, known, views, on_demand: request and
 *   answer
 *   key_<entity key>, input_<request input>: the request's row
 *   feature_<name>, status_<name>: the answer's row
 *
 * A service that gains a feature gains columns; one that loses a feature keeps its columns, empty.
 * `views` and `on_demand` are JSON text, because their members change with every revision.
 */

import { avroCodec } from '#domain/avro/codec.ts';
import { avroType } from '#domain/avro/types.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import type { FieldType, Row, Scalar, Value } from '#domain/values/value.ts';

export interface NamedType {
  readonly name: string;
  readonly type: FieldType;
}

export interface FeatureLogColumns {
  readonly service: string;
  /** the entity keys of all views that the service reads, without duplicates */
  readonly keys: readonly NamedType[];
  /** the request inputs of on-demand features */
  readonly request: readonly NamedType[];
  readonly features: readonly NamedType[];
}

export interface ServedViewOf {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  /** next offsets of the raw topic that the generation had read, as `raw.flights@0:12` */
  readonly position: string;
  /** epoch ms: the values include every event that the log had accepted by then; null: unknown */
  readonly completeThrough: number | null;
}

export interface FeatureLogOnDemand {
  readonly name: string;
  readonly version: number;
}

/** One row to write to the feature log. */
export interface FeatureLogEntry {
  readonly requestId: string;
  readonly row: number;
  /** index of the row in the request */
  readonly rows: number;
  readonly actor: string;
  readonly serviceVersion: number;
  /** the share of requests that was logged at that time */
  readonly sample: number;
  /** epoch ms */
  readonly at: number;
  readonly known: number;
  readonly entity: EntityKey;
  readonly request: Row;
  readonly views: readonly ServedViewOf[];
  readonly onDemand: readonly FeatureLogOnDemand[];
  readonly features: readonly string[];
  readonly values: readonly Value[];
  readonly status: readonly FeatureStatus[];
}

/** One row read from the feature log. */
export interface FeatureLogRow extends Omit<FeatureLogEntry, 'features' | 'values' | 'status'> {
  /** position of the record: `served.<service>@partition:offset` */
  readonly position: string;
  /** epoch ms */
  readonly logTime: number;
  /** by feature, for the features that the service had then */
  readonly values: Readonly<Record<string, Value>>;
  readonly status: Readonly<Record<string, FeatureStatus>>;
}

interface FeatureLogSchema {
  readonly type: 'record';
  readonly name: string;
  readonly namespace: string;
  readonly fields: readonly {
    readonly name: string;
    readonly type: unknown;
    readonly default?: null;
  }[];
}

const TIME: FieldType = { base: 'timestamp', array: false, nullable: false };

/**
 * A float is kept as the double of the answer. Times in a list are plain numbers, because Flink
 * cannot write a list of timestamps.
 */
const kept = (type: FieldType): FieldType => {
  const base = type.base === 'float' ? 'double' : type.base;
  if (!type.array) return { ...type, base, nullable: true };
  return {
    base: base === 'timestamp' ? 'long' : base === 'date' ? 'int' : base,
    array: true,
    nullable: true,
  };
};

/** The columns of a record except FIXED: the times, and the columns that depend on the service. */
export const featureLogFields = ({
  keys,
  request,
  features,
}: FeatureLogColumns): readonly NamedType[] => [
  { name: 'at', type: TIME },
  { name: 'known', type: TIME },
  ...keys.map(({ name, type }) => ({ name: `key_${name}`, type: kept(type) })),
  ...request.map(({ name, type }) => ({ name: `input_${name}`, type: kept(type) })),
  ...features.flatMap(({ name, type }) => [
    { name: `feature_${name}`, type: kept(type) },
    { name: `status_${name}`, type: { base: 'string', array: false, nullable: true } as const },
  ]),
];

const FIXED = [
  { name: 'request_id', type: 'string' },
  { name: 'row', type: 'int' },
  { name: 'rows', type: 'int' },
  { name: 'actor', type: 'string' },
  { name: 'service_version', type: 'int' },
  { name: 'sample', type: 'double' },
  { name: 'views', type: 'string' },
  { name: 'on_demand', type: 'string' },
] as const;

export const featureLogAvroSchema = (columns: FeatureLogColumns): FeatureLogSchema => ({
  type: 'record',
  name: columns.service,
  namespace: 'millrace.served',
  fields: [
    ...FIXED,
    ...featureLogFields(columns).map(({ name, type }) =>
      type.nullable
        ? { name, type: avroType(type), default: null }
        : { name, type: avroType(type) },
    ),
  ],
});

const bytesOf = (value: Value): unknown =>
  Array.isArray(value)
    ? value.map(bytesOf)
    : value === null
      ? null
      : Buffer.from(value as string, 'base64');

export interface FeatureLogCodec {
  readonly schema: FeatureLogSchema;
  /** @throws where a value does not fit its column's type */
  readonly encode: (entry: FeatureLogEntry) => Uint8Array;
}

export const featureLogCodec = (columns: FeatureLogColumns): FeatureLogCodec => {
  const schema = featureLogAvroSchema(columns);
  const type = avroCodec(schema);
  const named = (prefix: string, list: readonly NamedType[]) =>
    list.map(({ name, type: { base } }) => ({
      name,
      column: `${prefix}_${name}`,
      bytes: base === 'bytes',
    }));
  const keys = named('key', columns.keys);
  const inputs = named('input', columns.request);
  const features = named('feature', columns.features).map((one) => ({
    ...one,
    status: `status_${one.name}`,
  }));
  const put = (
    record: Record<string, unknown>,
    column: string,
    bytes: boolean,
    value: Value | undefined,
  ): void => {
    record[column] = value === undefined ? null : bytes ? bytesOf(value) : value;
  };

  /**
   * The answers of one plan share their list of features, so each feature's index is looked up
   * once.
   */
  let listed: readonly string[] = [];
  let places: readonly number[] = features.map(() => -1);
  const placesIn = (names: readonly string[]): readonly number[] => {
    if (names === listed) return places;
    const unknown = names.find((name) => !features.some((feature) => feature.name === name));
    if (unknown !== undefined) throw new TypeError(`the feature "${unknown}" has no column yet`);
    places = features.map(({ name }) => names.indexOf(name));
    listed = names;
    return places;
  };

  return {
    schema,
    encode(entry) {
      const at = placesIn(entry.features);
      const record: Record<string, unknown> = {
        request_id: entry.requestId,
        row: entry.row,
        rows: entry.rows,
        actor: entry.actor,
        service_version: entry.serviceVersion,
        sample: entry.sample,
        views: JSON.stringify(entry.views),
        on_demand: JSON.stringify(entry.onDemand),
        at: entry.at,
        known: entry.known,
      };
      for (const { name, column, bytes } of keys) put(record, column, bytes, entry.entity[name]);
      for (const { name, column, bytes } of inputs) put(record, column, bytes, entry.request[name]);
      for (let i = 0; i < features.length; i++) {
        const { column, bytes, status } = features[i] as (typeof features)[number];
        const place = at[i] as number;
        put(record, column, bytes, entry.values[place]);
        record[status] = place < 0 ? null : (entry.status[place] as FeatureStatus);
      }
      return type.toBuffer(record);
    },
  };
};

/** Bytes become base64; other values do not change. */
const plain = (value: unknown): Value => {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map(plain);
  return ArrayBuffer.isView(value)
    ? Buffer.from(value as Uint8Array).toString('base64')
    : (value as Value);
};

const withPrefix = (
  record: Readonly<Record<string, unknown>>,
  prefix: string,
): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(record).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), plain(value)] as const] : [],
    ),
  );

/** A record as decoded from Avro or from the history's table. */
export const featureLogRowOf = (
  record: Readonly<Record<string, unknown>>,
  place: { readonly position: string; readonly logTime: number },
): FeatureLogRow => {
  const all = withPrefix(record, 'status_');
  const status = Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== null),
  ) as Record<string, FeatureStatus>;
  const features = withPrefix(record, 'feature_');
  const entity = Object.entries(withPrefix(record, 'key_')).filter(
    (entry): entry is [string, Scalar] => entry[1] !== null,
  );
  return {
    ...place,
    requestId: record.request_id as string,
    row: record.row as number,
    rows: record.rows as number,
    actor: record.actor as string,
    serviceVersion: record.service_version as number,
    sample: record.sample as number,
    at: record.at as number,
    known: record.known as number,
    entity: Object.fromEntries(entity),
    request: withPrefix(record, 'input_'),
    views: JSON.parse(record.views as string) as ServedViewOf[],
    onDemand: JSON.parse(record.on_demand as string) as FeatureLogOnDemand[],
    values: Object.fromEntries(Object.keys(status).map((name) => [name, features[name] ?? null])),
    status,
  };
};
