/**
 * Definitions that come as JSON, over HTTP or out of a file: the shape is checked here, what they
 * refer to in `check.ts`.
 */
import type { Problem } from '#domain/errors.ts';
import { MillraceError } from '#domain/errors.ts';
import { parseDuration } from '#domain/values/duration.ts';
import { isScalarType, parseFieldType, SCALAR_TYPES } from '#domain/values/field-type.ts';
import type { ScalarType, Value } from '#domain/values/value.ts';
import {
  DEFAULT_NAMESPACE,
  type Definition,
  type FeatureDefinition,
  type Kind,
  type OnDemandInput,
  type ServiceMember,
} from './model.ts';
import { FIELD_NAME, FIELD_NAME_RULE, NAME, NAME_RULE } from './names.ts';
import { isObject, type JsonObject, type Reader, reader } from './reader.ts';

const MAX_FIELDS = 1_000;
const name = { pattern: NAME, says: NAME_RULE };
const fieldName = { pattern: FIELD_NAME, says: FIELD_NAME_RULE };
const DESCRIBED = ['kind', 'name', 'namespace', 'owner', 'description', 'tags'];

/** `read` applied to what is there; absent properties stay absent. */
function optional<T>(
  object: JsonObject,
  key: string,
  path: string,
  read: (value: unknown, path: string) => T,
): Readonly<Record<string, T>> {
  return object[key] === undefined ? {} : { [key]: read(object[key], `${path}.${key}`) };
}

function parts(r: Reader) {
  const duration = (value: unknown, path: string): string => {
    const text = r.text(value, path);
    if (text !== '') r.attempt(path, value, () => parseDuration(text));
    return text;
  };
  const flag = (value: unknown, path: string): boolean => {
    if (typeof value !== 'boolean') r.problem(path, 'must be true or false', value);
    return value === true;
  };
  const scalarType = (value: unknown, path: string): ScalarType => {
    if (isScalarType(value)) return value;
    r.problem(path, `must be one of ${SCALAR_TYPES.join(', ')}`, value);
    return 'string';
  };
  const type = (value: unknown, path: string): string => {
    const text = r.text(value, path, undefined, 100);
    if (text !== '') r.attempt(path, value, () => parseFieldType(text));
    return text;
  };
  const record = <T>(
    value: unknown,
    path: string,
    rule: typeof name,
    read: (value: unknown, path: string) => T,
  ): Record<string, T> => {
    const entries = Object.entries(r.object(value, path));
    if (entries.length === 0 || entries.length > MAX_FIELDS)
      r.problem(path, `must have 1 to ${MAX_FIELDS} entries`, entries.length);
    for (const [key] of entries) r.text(key, `${path}.${key}`, rule);
    return Object.fromEntries(
      entries.slice(0, MAX_FIELDS).map(([key, item]) => [key, read(item, `${path}.${key}`)]),
    );
  };
  const text = (value: unknown, path: string): string => r.text(value, path);
  const described = (o: JsonObject, path: string) => ({
    name: r.text(o.name, `${path}.name`, name),
    // One form for what is in `default`: the same definition is then the same, said or not.
    ...(o.namespace === DEFAULT_NAMESPACE
      ? {}
      : optional(o, 'namespace', path, (v, at) => r.text(v, at, name))),
    ...optional(o, 'owner', path, text),
    ...optional(o, 'description', path, text),
    ...optional(o, 'tags', path, (v, p) =>
      r.list(v, p, 100).map((tag, i) => r.text(tag, `${p}[${i}]`, undefined, 200)),
    ),
  });
  const positive = (value: unknown, path: string): number => {
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 1_024)
      return value as number;
    r.problem(path, 'must be a whole number from 1 to 1024', value);
    return 1;
  };
  const share = (value: unknown, path: string): number => {
    if (typeof value === 'number' && value >= 0 && value <= 1) return value;
    r.problem(path, 'must be a share of the requests, a number from 0 to 1', value);
    return 0;
  };
  return { duration, flag, scalarType, type, record, text, described, positive, share };
}

function jsonValue(value: unknown, depth = 0): value is Value {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  return (
    depth < 4 &&
    typeof value === 'object' &&
    Object.values(value).every((v) => jsonValue(v, depth + 1))
  );
}

function feature(r: Reader, value: unknown, path: string): FeatureDefinition {
  const p = parts(r);
  const o = r.object(value, path, [
    'aggregation',
    'input',
    'params',
    'window',
    'hop',
    'where',
    'description',
  ]);
  return {
    aggregation: r.text(o.aggregation, `${path}.aggregation`, {
      pattern: /^[a-zA-Z]{1,40}$/,
      says: 'letters',
    }),
    input: o.input === null || o.input === undefined ? null : r.expr(o.input, `${path}.input`),
    ...optional(o, 'params', path, (v, at) => {
      const params = r.object(v, at);
      if (!jsonValue(params))
        r.problem(at, 'must hold finite numbers, texts, booleans and lists of them', v);
      return params as Readonly<Record<string, Value>>;
    }),
    ...optional(o, 'window', path, p.duration),
    ...optional(o, 'hop', path, p.duration),
    ...optional(o, 'where', path, r.expr),
    ...optional(o, 'description', path, p.text),
  };
}

function onDemandInput(r: Reader, value: unknown, path: string): OnDemandInput {
  const from = isObject(value) ? value.from : undefined;
  if (from === 'feature') {
    const o = r.object(value, path, ['from', 'view', 'feature']);
    return {
      from,
      view: r.text(o.view, `${path}.view`, name),
      feature: r.text(o.feature, `${path}.feature`, name),
    };
  }
  if (from === 'request') {
    const o = r.object(value, path, ['from', 'name', 'type']);
    return {
      from,
      name: r.text(o.name, `${path}.name`, fieldName),
      type: parts(r).type(o.type, `${path}.type`),
    };
  }
  if (from !== 'on-demand')
    r.problem(`${path}.from`, 'must be feature, request or on-demand', from);
  const o = r.object(value, path, from === 'on-demand' ? ['from', 'name'] : undefined);
  return {
    from: 'on-demand',
    name: from === 'on-demand' ? r.text(o.name, `${path}.name`, name) : '',
  };
}

function member(r: Reader, value: unknown, path: string): ServiceMember {
  const from = isObject(value) ? value.from : undefined;
  if (from === 'view') {
    const o = r.object(value, path, ['from', 'view', 'features', 'version']);
    const features = r
      .list(o.features, `${path}.features`, MAX_FIELDS)
      .map((v, i) => r.text(v, `${path}.features[${i}]`, name));
    if (features.length === 0) r.problem(`${path}.features`, 'must name a feature', o.features);
    return {
      from,
      view: r.text(o.view, `${path}.view`, name),
      features,
      ...optional(o, 'version', path, version(r)),
    };
  }
  if (from !== 'on-demand') r.problem(`${path}.from`, 'must be view or on-demand', from);
  const o = r.object(value, path, from === 'on-demand' ? ['from', 'name'] : undefined);
  return {
    from: 'on-demand',
    name: from === 'on-demand' ? r.text(o.name, `${path}.name`, name) : '',
  };
}

const version =
  (r: Reader) =>
  (value: unknown, path: string): number => {
    if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number;
    r.problem(path, 'must be a version, a whole number from 1', value);
    return 1;
  };

const KINDS: Readonly<Record<Kind, (r: Reader, o: JsonObject, path: string) => Definition>> = {
  entity(r, value, path) {
    const p = parts(r);
    const o = r.object(value, path, [...DESCRIBED, 'keys']);
    return {
      kind: 'entity',
      ...p.described(o, path),
      keys: p.record(o.keys, `${path}.keys`, fieldName, p.scalarType),
    };
  },
  source(r, value, path) {
    const p = parts(r);
    const o = r.object(value, path, [
      ...DESCRIBED,
      'fields',
      'eventTime',
      'eventId',
      'dedupeWindow',
      'partitions',
      'partitionBy',
    ]);
    return {
      kind: 'source',
      ...p.described(o, path),
      fields: p.record(o.fields, `${path}.fields`, fieldName, p.type),
      eventTime: r.text(o.eventTime, `${path}.eventTime`),
      ...optional(o, 'eventId', path, p.text),
      ...optional(o, 'dedupeWindow', path, p.duration),
      ...optional(o, 'partitions', path, p.positive),
      ...optional(o, 'partitionBy', path, (v, at) =>
        r.list(v, at, 20).map((field, i) => r.text(field, `${at}[${i}]`)),
      ),
    };
  },
  'feature-view'(r, value, path) {
    const p = parts(r);
    const keys = [
      'entity',
      'source',
      'join',
      'where',
      'lateness',
      'ttl',
      'freshness',
      'ephemeral',
      'online',
      'offline',
      'features',
    ];
    const o = r.object(value, path, [...DESCRIBED, ...keys]);
    return {
      kind: 'feature-view',
      ...p.described(o, path),
      entity: r.text(o.entity, `${path}.entity`, name),
      source: r.text(o.source, `${path}.source`, name),
      ...optional(o, 'join', path, (v, at) => p.record(v, at, fieldName, p.text)),
      ...optional(o, 'where', path, r.expr),
      ...optional(o, 'lateness', path, p.duration),
      ...optional(o, 'ttl', path, p.duration),
      ...optional(o, 'freshness', path, p.duration),
      ...optional(o, 'ephemeral', path, (v, at) => {
        const parts = r.object(v, at, ['ttl', 'flush']);
        return {
          ttl: p.duration(parts.ttl, `${at}.ttl`),
          flush: p.duration(parts.flush, `${at}.flush`),
        };
      }),
      ...optional(o, 'online', path, p.flag),
      ...optional(o, 'offline', path, p.flag),
      features: p.record(o.features, `${path}.features`, name, (v, at) => feature(r, v, at)),
    };
  },
  'on-demand-feature'(r, value, path) {
    const p = parts(r);
    const o = r.object(value, path, [...DESCRIBED, 'type', 'inputs', 'value']);
    return {
      kind: 'on-demand-feature',
      ...p.described(o, path),
      type: p.scalarType(o.type, `${path}.type`),
      inputs: p.record(o.inputs, `${path}.inputs`, fieldName, (v, at) => onDemandInput(r, v, at)),
      value: r.expr(o.value, `${path}.value`),
    };
  },
  'feature-service'(r, value, path) {
    const p = parts(r);
    const o = r.object(value, path, [...DESCRIBED, 'features', 'logging']);
    const features = r
      .list(o.features, `${path}.features`, MAX_FIELDS)
      .map((v, i) => member(r, v, `${path}.features[${i}]`));
    return {
      kind: 'feature-service',
      ...p.described(o, path),
      features,
      ...optional(o, 'logging', path, (v, at) => ({
        sample: p.share(r.object(v, at, ['sample']).sample, `${at}.sample`),
      })),
    };
  },
};

/** What was parsed without a problem. It is parsed no second time. */
const parsed = new WeakSet<object>();

/** The definition, and all that is wrong with its shape (then it is not to be used). */
export function readDefinition(
  value: unknown,
  path = 'definition',
): { readonly definition: Definition; readonly problems: readonly Problem[] } {
  if (isObject(value) && parsed.has(value))
    return { definition: value as unknown as Definition, problems: [] };
  const r = reader();
  const kind =
    isObject(value) && typeof value.kind === 'string' && Object.hasOwn(KINDS, value.kind)
      ? (value.kind as Kind)
      : null;
  if (kind === null) {
    r.problem(
      `${path}.kind`,
      `must be one of ${Object.keys(KINDS).join(', ')}`,
      isObject(value) ? value.kind : value,
    );
    return { definition: value as Definition, problems: r.problems };
  }
  const definition = KINDS[kind](r, value as JsonObject, path);
  if (r.problems.length === 0) parsed.add(definition);
  return { definition, problems: r.problems };
}

/** @throws MillraceError with the first problem's code, all messages, and details.problems */
export function parseDefinition(value: unknown, path = 'definition'): Definition {
  const { definition, problems } = readDefinition(value, path);
  const [first] = problems;
  if (first === undefined) return definition;
  const shown = problems.slice(0, 5).map((p) => p.message);
  const more = problems.length > 5 ? ` And ${problems.length - 5} more.` : '';
  throw new MillraceError(first.code, shown.join(' ') + more, { problems });
}
