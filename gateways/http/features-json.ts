/**
 * The answer of POST /v1/features as text, written by hand for each list of features.
 *
 *   {"rows":[{<entity keys>,"<feature>":<value>,…}],"status":[[…]],"features":[…],"views":[…],"at":T,"known":T}
 *
 * A list's fragments (`,"delay_avg_1d":`, the status row in which all is present, the feature names) are made once and kept, so
 * that a request only joins them with values. The platform answers one service with one array, so it is found by identity.
 */

import type { Value } from '#domain/values/value.ts';
import type { EntityKey } from '#domain/views/plan.ts';
import type { ReadResult, ViewAnswer } from '#gateways/platform.ts';

interface Writer {
  /** `,"name":` by feature */
  readonly keys: readonly string[];
  readonly allPresent: string;
  readonly features: string;
}

const text = (value: unknown): string => {
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null';
  if (value === null || value === undefined) return 'null';
  return JSON.stringify(value);
};

const makeWriter = (features: readonly string[]): Writer => ({
  keys: features.map((name) => `,${JSON.stringify(name)}:`),
  allPresent: JSON.stringify(features.map(() => 'present')),
  features: JSON.stringify(features),
});

const entityText = (entity: EntityKey): string => {
  let out = '';
  for (const key in entity) out += `,${JSON.stringify(key)}:${text(entity[key])}`;
  return out;
};

const rowText = (writer: Writer, entity: EntityKey, values: readonly Value[]): string => {
  const { keys } = writer;
  let out = entityText(entity);
  for (let i = 0; i < keys.length; i++) out += (keys[i] as string) + text(values[i]);
  return out === '' ? '{}' : `{${out.slice(1)}}`;
};

const statusText = (writer: Writer, status: readonly string[]): string => {
  for (let i = 0; i < status.length; i++) if (status[i] !== 'present') return `["${status.join('","')}"]`;
  return writer.allPresent;
};

const viewText = (view: ViewAnswer): string =>
  `{"view":${JSON.stringify(view.view)},"version":${view.version},"generation":${view.generation},"eventTime":${view.eventTime},"position":${JSON.stringify(view.position)}}`;

export const createFeaturesSerializer = (): ((result: ReadResult) => string) => {
  const writers = new WeakMap<readonly string[], Writer>();
  let lastFeatures: readonly string[] | null = null;
  let lastWriter: Writer | null = null;

  const writerOf = (features: readonly string[]): Writer => {
    if (features === lastFeatures) return lastWriter as Writer;
    let writer = writers.get(features);
    if (writer === undefined) {
      writer = makeWriter(features);
      writers.set(features, writer);
    }
    lastFeatures = features;
    lastWriter = writer;
    return writer;
  };

  return (result) => {
    const writer = writerOf(result.features);
    const { entities, values, status, views } = result;
    let rows = '';
    let statuses = '';
    for (let i = 0; i < values.length; i++) {
      const comma = i === 0 ? '' : ',';
      rows += comma + rowText(writer, entities[i] as EntityKey, values[i] as readonly Value[]);
      statuses += comma + statusText(writer, status[i] as readonly string[]);
    }
    let answers = '';
    for (let i = 0; i < views.length; i++) answers += (i === 0 ? '' : ',') + viewText(views[i] as ViewAnswer);
    return `{"rows":[${rows}],"status":[${statuses}],"features":${writer.features},"views":[${answers}],"at":${result.at},"known":${result.known}}`;
  };
};
