/**
 * The options of each builder. A new option of a definition does not compile without its row here.
 */

import { DEFAULT_DEDUPE_WINDOW } from '#commands/ingest/source-ingest.ts';
import { KEY_TYPES } from '#domain/definitions/check.ts';
import {
  CHANGE_FORMATS,
  type EntityDefinition,
  type FeatureDefinition,
  type FeatureServiceDefinition,
  type FeatureViewDefinition,
  type OnDemandFeatureDefinition,
  type SourceDefinition,
} from '#domain/definitions/model.ts';
import { MAX_PARTITION_FIELDS, MAX_PARTITIONS } from '#domain/definitions/properties.ts';
import { codeList, numberText, table } from './table.ts';

interface Option {
  readonly value: string;
  /** `required`, or the default */
  readonly absent: string;
  readonly says: string;
}

type Shared = 'name' | 'namespace' | 'owner' | 'description' | 'tags';
type Own<Definition> = {
  readonly [K in Exclude<keyof Required<Definition>, Shared | 'kind'>]: Option;
};

const REQUIRED = 'required';
const NONE = 'none';

export const SHARED: { readonly [K in Shared]: Option } = {
  name: {
    value: 'name',
    absent: REQUIRED,
    says: 'unique among the definitions of its kind, over all namespaces',
  },
  namespace: {
    value: 'name',
    absent: '`default`',
    says: 'the group of definitions for which roles are granted ([security](security.md))',
  },
  owner: { value: 'text', absent: NONE, says: 'who is responsible' },
  description: { value: 'text', absent: NONE, says: 'shown and searched in the catalog' },
  tags: { value: 'list of texts', absent: NONE, says: 'shown and searched in the catalog' },
};

const ENTITY: Own<EntityDefinition> = {
  keys: {
    value: 'name → type',
    absent: REQUIRED,
    says: `the fields that identify an entity; types: ${codeList(KEY_TYPES)}. Their order is part of the key, and changing them breaks every view of the entity`,
  },
};

const SOURCE: Own<SourceDefinition> = {
  fields: { value: 'name → type', absent: REQUIRED, says: 'the fields of an event' },
  eventTime: {
    value: 'name of a field',
    absent: REQUIRED,
    says: 'when the event happened: a `timestamp` or `date`, not nullable',
  },
  eventId: {
    value: 'name of a field',
    absent: NONE,
    says: 'identifies an event: the same id again within `dedupeWindow` is a duplicate and does not count. A `string`, `int`, `long` or `bytes`',
  },
  dedupeWindow: {
    value: 'duration',
    absent: `\`${DEFAULT_DEDUPE_WINDOW}\``,
    says: 'how long an id is remembered, by the time at which the log accepts events; used with `eventId` only',
  },
  keepHistory: {
    value: 'duration of at least `1d`',
    absent: 'for ever',
    says: 'how long the history keeps events. Older ones are deleted, and whatever needs them is refused ([how](operator.md#history-that-is-not-kept-for-ever)). Not with `dimension` or `knownTime`. Embedded profile',
  },
  knownTime: {
    value: 'name of a field',
    absent: NONE,
    says: 'when an imported event was known: a `timestamp?`, null in every event that is not imported ([import](operator.md#bring-your-history))',
  },
  partitions: {
    value: `1 to ${numberText(MAX_PARTITIONS)}`,
    absent: '1',
    says: 'partitions of the log topic; it can grow, and not shrink',
  },
  partitionBy: {
    value: `list of at most ${MAX_PARTITION_FIELDS} fields`,
    absent: 'the event id, or all fields',
    says: 'fields that decide the partition. Name the keys of the entity, so that its events keep their order',
  },
  dimension: {
    value: '`{ key, deleted }`, fields',
    absent: 'events are events',
    says: 'events are rows of a table: each is the state of its key from its time on. `deleted`, a `boolean?`, is true in a tombstone ([dimensions](#dimensions))',
  },
  changes: {
    value: codeList(CHANGE_FORMATS),
    absent: 'events come as they are',
    says: 'events are change records of this format ([change records](producer.md#change-records)); needs `dimension` with `deleted`',
  },
};

const VIEW: Own<FeatureViewDefinition> = {
  entity: { value: 'entity, or its name', absent: REQUIRED, says: 'what the features describe' },
  source: { value: 'source, or its name', absent: REQUIRED, says: 'the events' },
  features: {
    value: 'name → aggregation',
    absent: REQUIRED,
    says: '[aggregations](#aggregations)',
  },
  join: {
    value: 'key → field',
    absent: 'the field with the name of the key',
    says: 'which field has each key, where the names differ. An event with a null key belongs to no entity',
  },
  where: {
    value: 'condition',
    absent: 'all events',
    says: 'only events for which it is true count; null is not true',
  },
  lateness: {
    value: 'duration',
    absent: 'no event is late',
    says: 'an event that arrives more than this after the end of its widest tile is late and counts in no read. It is listed by `millrace late VIEW`, it counts in `event-time` data sets, and a replay counts it. Arrival is measured by the largest of all min(event time, log time) so far',
  },
  ttl: {
    value: 'duration',
    absent: 'values never expire',
    says: 'an entity whose newest event is older has no values: all features are null, with the status `expired`',
  },
  freshness: {
    value: 'duration',
    absent: NONE,
    says: 'the largest lag that you accept. `/v1/freshness` compares the lag with it; it changes no value',
  },
  ephemeral: {
    value: '`{ ttl, flush }`, durations',
    absent: 'the stores keep every entity',
    says: 'stack profile: the cache tier keeps an entity for `ttl` after its last event, and changes are flushed to the durable tier every `flush`. `ttl` is at least three times `flush`. It changes no value',
  },
  online: {
    value: 'true or false',
    absent: 'true',
    says: 'recorded in the catalog. It changes no value: every view can be read online. `false` excludes `ephemeral`',
  },
  offline: {
    value: 'true or false',
    absent: 'true',
    says: 'recorded in the catalog. It changes no value: the history keeps every view',
  },
};

const ON_DEMAND: Own<OnDemandFeatureDefinition> = {
  type: {
    value: 'scalar type',
    absent: REQUIRED,
    says: 'the base type of the value. `long` accepts a value that is an `int`; `double` accepts `int`, `long` and `float`. Whether the feature can be null follows from the expression',
  },
  inputs: {
    value: 'parameter → input',
    absent: REQUIRED,
    says: 'a feature of a view (`view.feature("name")`), another on-demand feature, or `request("name", "type")`, which the caller of a read sends',
  },
  value: {
    value: 'function of the inputs',
    absent: REQUIRED,
    says: 'returns the [expression](#expressions). It is called once, when the definition is made',
  },
};

const SERVICE: Own<FeatureServiceDefinition> = {
  features: {
    value: 'list',
    absent: REQUIRED,
    says: 'views (all their features), `view.pick("a", "b")` and on-demand features, in the order of the answer. A service follows the live version of a view; `{ ...view.pick("a"), version: 2 }` pins one. Two features must not have the same name',
  },
  logging: {
    value: '`{ sample }`, 0 to 1',
    absent: 'no answer is logged',
    says: 'logs the answers to this share of the requests ([feature logging](feature-logging.md))',
  },
};

type FeatureOption = Exclude<keyof Required<FeatureDefinition>, 'aggregation' | 'input' | 'params'>;

const FEATURE: { readonly [K in FeatureOption]: Option } = {
  window: {
    value: 'duration',
    absent: 'all time',
    says: 'how far back events count ([windows and hops](#windows-and-hops))',
  },
  hop: {
    value: 'duration',
    absent: 'depends on the window',
    says: 'the width of the tiles of the window, which it must divide',
  },
  where: {
    value: 'condition',
    absent: 'all events of the view',
    says: 'only events for which it is true count; null is not true',
  },
  description: { value: 'text', absent: NONE, says: 'shown in the catalog' },
};

const optionTable = (options: Readonly<Record<string, Option>>): readonly string[] =>
  table(
    ['option', 'value', 'if absent', 'meaning'],
    Object.entries(options).map(([name, { value, absent, says }]) => [
      `\`${name}\``,
      value,
      absent,
      says,
    ]),
  );

/** The builder of each kind, and what it makes. */
const BUILDERS: readonly (readonly [string, string, Readonly<Record<string, Option>>])[] = [
  ['entity', 'What features describe, such as an airport.', ENTITY],
  ['source', 'A kind of events.', SOURCE],
  ['featureView', 'Features of one entity, aggregated from one source.', VIEW],
  ['onDemandFeature', 'A feature that is computed when it is read.', ON_DEMAND],
  ['featureService', 'The features that one model reads.', SERVICE],
];

export const buildersSection = (): readonly string[] => [
  '## Builders',
  '',
  'Every builder takes one object. These options are common to all:',
  '',
  ...optionTable(SHARED),
  ...BUILDERS.flatMap(([name, says, options]) => [
    `### \`${name}\``,
    '',
    says,
    '',
    ...optionTable(options),
  ]),
];

export const featureOptionsTable = (): readonly string[] => optionTable(FEATURE);

export const BUILDER_NAMES: readonly string[] = BUILDERS.map(([name]) => name);
