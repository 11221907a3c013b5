/**
 * Definitions from JSON (HTTP bodies, files). The shape is checked here; `check.ts` checks what a
 * definition refers to.
 */
import type { Problem } from '#domain/errors.ts';
import { MillraceError } from '#domain/errors.ts';
import type { Value } from '#domain/values/value.ts';
import {
  CHANGE_FORMATS,
  type Definition,
  type DimensionDefinition,
  type FeatureDefinition,
  type Kind,
  type OnDemandInput,
  type ServiceMember,
} from './model.ts';
import {
  DESCRIBED,
  fieldName,
  MAX_FIELDS,
  MAX_PARTITION_FIELDS,
  name,
  optional,
  parts,
} from './properties.ts';
import { isObject, type JsonObject, type Reader, reader } from './reader.ts';

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

function dimension(r: Reader, value: unknown, path: string): DimensionDefinition {
  const o = r.object(value, path, ['key', 'deleted']);
  return {
    key: r.list(o.key, `${path}.key`, 20).map((v, i) => r.text(v, `${path}.key[${i}]`)),
    ...optional(o, 'deleted', path, (v, at) => r.text(v, at)),
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
      'knownTime',
      'dedupeWindow',
      'keepHistory',
      'partitions',
      'partitionBy',
      'dimension',
      'changes',
    ]);
    return {
      kind: 'source',
      ...p.described(o, path),
      fields: p.record(o.fields, `${path}.fields`, fieldName, p.type),
      eventTime: r.text(o.eventTime, `${path}.eventTime`),
      ...optional(o, 'eventId', path, p.text),
      ...optional(o, 'knownTime', path, p.text),
      ...optional(o, 'dedupeWindow', path, p.duration),
      ...optional(o, 'keepHistory', path, p.duration),
      ...optional(o, 'partitions', path, p.positive),
      ...optional(o, 'partitionBy', path, (v, at) =>
        r.list(v, at, MAX_PARTITION_FIELDS).map((field, i) => r.text(field, `${at}[${i}]`)),
      ),
      ...optional(o, 'dimension', path, (v, at) => dimension(r, v, at)),
      ...optional(o, 'changes', path, (v, at) => {
        const known = CHANGE_FORMATS.find((format) => format === v);
        if (known === undefined) r.problem(at, `must be ${CHANGE_FORMATS.join(' or ')}`, v);
        return known ?? CHANGE_FORMATS[0];
      }),
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

/** The definition and the problems of its shape. With a problem, the definition is not usable. */
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
