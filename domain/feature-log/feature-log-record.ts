/**
 * A record of served.<service>: one row of one answer. Who asked, with which inputs, as of when; of
 * each view, the generation that answered and how far it had read; each feature's value and status.
 * One layout, on the log and in the history:
 *
 *   request_id, row, rows, actor, service_version, sample, at, known, views, on_demand the request,
 *   the answer
 *   key_<entity key>, input_<request input> what was asked
 *   feature_<name>, status_<name> what was answered
 *
 * A service that gains a feature gains columns; one that loses a feature keeps them, empty. `views`
 * and `on_demand` are JSON text, because which there are changes with every revision.
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
  /** entity keys of all views that the service reads, each once */
  readonly keys: readonly NamedType[];
  /** what on-demand features need of the request */
  readonly request: readonly NamedType[];
  readonly features: readonly NamedType[];
}

export interface ServedViewOf {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  /** next offsets of the raw topic that the generation had read, as `raw.flights@0:12` */
  readonly position: string;
  /** epoch ms: what the log had accepted by then is in the values; null: that was not known */
  readonly completeThrough: number | null;
}

export interface FeatureLogOnDemand {
  readonly name: string;
  readonly version: number;
}

/** What the log is told of one row. */
export interface FeatureLogEntry {
  readonly requestId: string;
  readonly row: number;
  /** of the request */
  readonly rows: number;
  readonly actor: string;
  readonly serviceVersion: number;
  /** the share of requests that was logged then */
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

/** The same, read back. */
export interface FeatureLogRow extends Omit<FeatureLogEntry, 'features' | 'values' | 'status'> {
  /** where the record stands: `served.<service>@partition:offset` */
  readonly position: string;
  /** epoch ms */
  readonly logTime: number;
  /** by feature, of those that the service had then */
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
 * A float is kept as a double, as it was answered; in a list times are plain numbers, because Flink
 * writes no list of its own times.
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

/** The columns of a record beside those whose types do not depend on the service. */
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
  /** @throws where a value has no place in its column's type */
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
   * The answers of one plan share their list of features: where each is in it is looked up once.
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

/** Bytes as base64, the rest as it is. */
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

/** A record as Avro or the history's table gives it. */
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
