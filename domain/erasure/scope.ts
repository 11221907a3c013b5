/**
 * Where records of an entity can be, by the definitions that there ever were: all versions, those
 * that are retired too.
 *
 * | topic | a record is the entity's if |
 * |---|---|
 * | raw.<source>, ingest.<source> | the fields that a view joins to the entity's keys have its values; also if fields of the keys' names have them, though no view reads the source |
 * | features.<view>, late.<view> | its key is the entity's |
 * | served.<service> | the request named the entity, or had inputs of the keys' names with its values |
 * | rejected.<source> | the rejected event's text, or the reason, has each of its values as a word |
 */
import type {
  Definition,
  EntityDefinition,
  FeatureServiceDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import {
  featureLogTopic,
  featuresTopic,
  ingestTopic,
  lateTopic,
  rawTopic,
  rejectedTopic,
} from '#domain/ports/topics.ts';
import { scalarOfText } from '#domain/values/scalar-of-text.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';

/** A field with the value that makes a record the entity's. */
export interface FieldMatch {
  readonly field: string;
  readonly type: ScalarType;
  readonly value: Scalar;
}

/** All fields must match. */
export type Match = readonly FieldMatch[];

export interface ErasureScope {
  /** the names of the entity definitions with these keys */
  readonly entities: readonly string[];
  readonly keyNames: readonly string[];
  /** encoded keys: one, unless definitions give the keys different types */
  readonly keys: readonly string[];
  /** the values as text, for searches in text */
  readonly texts: readonly string[];
  /** by topic; a record is the entity's if one of them matches */
  readonly matches: ReadonlyMap<string, readonly Match[]>;
  /** topics whose records are searched as text */
  readonly textTopics: readonly string[];
  readonly views: readonly string[];
  /** services with features of these views */
  readonly services: readonly string[];
  /**
   * views that can have events of the entity in values of others → the raw topics of these events.
   * A view of the entity is one too where an event names two of it, as a transfer does.
   */
  readonly otherViews: ReadonlyMap<string, readonly string[]>;
}

/** The entity as the operator names it: key → text. */
export type EntityTexts = Readonly<Record<string, string>>;

const ofKind = <T extends Definition>(all: readonly Definition[], kind: T['kind']): readonly T[] =>
  all.filter((one): one is T => one.kind === kind);

const valuesOf = ({ name, keys }: EntityDefinition, texts: EntityTexts): readonly FieldMatch[] =>
  Object.entries(keys).map(([field, type]) => {
    const text = texts[field] as string;
    const value = scalarOfText(type, text);
    return value === undefined
      ? fail(
          'MR_ENTITY_INVALID',
          `the key "${field}" of the entity "${name}" is of type ${type}, and "${text}" is none: write --entity ${field}=VALUE with a value of that type`,
          { field, type },
        )
      : { field, type, value };
  });

/** The fields of the view's source that make an event the entity's. */
const joined = ({ join }: FeatureViewDefinition, values: Match): Match =>
  values.map((one) => ({ ...one, field: join?.[one.field] ?? one.field }));

interface Identity {
  readonly entity: EntityDefinition;
  readonly values: Match;
}

/** By view: topics with events of the entity that the view can count for another one. */
const othersOf = (
  views: readonly FeatureViewDefinition[],
  identities: readonly Identity[],
  matches: ReadonlyMap<string, readonly Match[]>,
): ReadonlyMap<string, readonly string[]> => {
  const others = new Map<string, readonly string[]>();
  for (const view of views) {
    const topic = rawTopic(view.source);
    const own = identities
      .filter(({ entity }) => entity.name === view.entity)
      .map(({ values }) => JSON.stringify(joined(view, values)));
    if (!(matches.get(topic) ?? []).some((match) => !own.includes(JSON.stringify(match)))) continue;
    others.set(view.name, unique([...(others.get(view.name) ?? []), topic]));
  }
  return others;
};

const unique = <T>(all: readonly T[]): readonly T[] => [...new Set(all)];

/**
 * @param definitions every version of every definition that was ever registered
 * @throws MR_ENTITY_INVALID where no entity has exactly these keys, or a value has another type
 */
export const erasureScope = (
  definitions: readonly Definition[],
  texts: EntityTexts,
): ErasureScope => {
  const wanted = Object.keys(texts).sort().join(', ');
  const all = ofKind<EntityDefinition>(definitions, 'entity');
  const entities = all.filter(({ keys }) => Object.keys(keys).sort().join(', ') === wanted);
  if (entities.length === 0)
    fail(
      'MR_ENTITY_INVALID',
      `no entity has the keys ${wanted}; there are: ${unique(all.map(({ name, keys }) => `${name} (${Object.keys(keys).join(', ')})`)).join(', ') || 'none'}`,
    );
  const names = unique(entities.map(({ name }) => name));
  const identities: readonly Identity[] = entities.map((entity) => ({
    entity,
    values: valuesOf(entity, texts),
  }));
  const sources = ofKind<SourceDefinition>(definitions, 'source');
  const views = ofKind<FeatureViewDefinition>(definitions, 'feature-view');
  const services = ofKind<FeatureServiceDefinition>(definitions, 'feature-service');

  const matches = new Map<string, Match[]>();
  const add = (topic: string, match: Match): void => {
    const known = matches.get(topic) ?? [];
    const id = JSON.stringify(match);
    if (!known.some((one) => JSON.stringify(one) === id)) known.push(match);
    matches.set(topic, known);
  };
  const prefixed = (prefix: string, values: Match): Match =>
    values.map((one) => ({ ...one, field: `${prefix}${one.field}` }));
  for (const { entity, values } of identities) {
    const encoded = encodeKey(values.map(({ value }) => value));
    for (const view of views.filter((one) => one.entity === entity.name)) {
      add(rawTopic(view.source), joined(view, values));
      add(ingestTopic(view.source), joined(view, values));
      add(featuresTopic(view.name), prefixed('key_', values));
      add(lateTopic(view.name), [{ field: 'key', type: 'string', value: encoded }]);
    }
    for (const { name, fields } of sources)
      if (values.every(({ field }) => fields[field] !== undefined))
        for (const topic of [rawTopic(name), ingestTopic(name)]) add(topic, values);
    for (const { name } of services)
      for (const prefix of ['key_', 'input_']) add(featureLogTopic(name), prefixed(prefix, values));
  }
  const mine = views.filter(({ entity }) => names.includes(entity));
  const mineNames = new Set(mine.map(({ name }) => name));
  return {
    entities: names,
    keyNames: Object.keys(entities[0]?.keys ?? {}),
    keys: unique(identities.map(({ values }) => encodeKey(values.map(({ value }) => value)))),
    texts: unique(identities.flatMap(({ values }) => values.map(({ value }) => String(value)))),
    matches,
    textTopics: unique(sources.map(({ name }) => rejectedTopic(name))),
    views: [...mineNames],
    services: unique(
      services
        .filter(({ features }) =>
          features.some((one) => one.from === 'view' && mineNames.has(one.view)),
        )
        .map(({ name }) => name),
    ),
    otherViews: othersOf(views, identities, matches),
  };
};

const isValue = ({ type, value }: FieldMatch, found: unknown): boolean => {
  if (found === null || found === undefined) return false;
  if (type === 'bytes' && ArrayBuffer.isView(found))
    return Buffer.from(found as Uint8Array).toString('base64') === value;
  return found === value || String(found) === String(value);
};

export const matchesRecord = (
  matches: readonly Match[],
  record: Readonly<Record<string, unknown>>,
): boolean => matches.some((match) => match.every((one) => isValue(one, record[one.field])));

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** Whether a text has each of the values as a word of its own, also in JSON's spelling. */
export const textMatcher = (texts: readonly string[]): ((text: string) => boolean) => {
  const words = texts.map((text) => {
    const spellings = unique([text, JSON.stringify(text).slice(1, -1)]).map(escaped);
    return new RegExp(`(?<![\\p{L}\\p{N}_])(?:${spellings.join('|')})(?![\\p{L}\\p{N}_])`, 'u');
  });
  return (text) => words.every((word) => word.test(text));
};
