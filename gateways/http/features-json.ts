/**
 * The answer of POST /v1/features as text, written by hand for each list of features.
 *
 *   {"rows":[{<entity keys>,"<feature>":<value>,…}],"status":[[…]],"features":[…],"views":[…],"at":T,"known":T[,"degraded":[…]]}
 *
 * What a list's answers share (a row's shape, the status row in which all is present, the feature names) is made once and kept, so
 * that a request only fills in values. The platform answers one service with one array, so it is found by identity.
 */

import type { Value } from '#domain/values/value.ts';
import type { EntityKey } from '#domain/views/plan.ts';
import type { ReadResult, ViewAnswer } from '#gateways/platform.ts';

interface Writer {
  /** a row's values as an object, features in order: one shape a list, which the engine's own JSON writes far faster than text joined here */
  readonly rowOf: (values: readonly Value[]) => object;
  readonly allPresent: string;
  readonly features: string;
}

/** NaN and ±Infinity are null in JSON, as the engine's own writing has it. */
const text = (value: unknown): string => JSON.stringify(value ?? null);

const makeWriter = (features: readonly string[]): Writer => ({
  rowOf: new Function(
    'v',
    `return {${features.map((name, i) => `${JSON.stringify(name)}:v[${i}]`).join(',')}}`,
  ) as Writer['rowOf'],
  allPresent: JSON.stringify(features.map(() => 'present')),
  features: JSON.stringify(features),
});

const entityText = (entity: EntityKey): string => {
  let out = '';
  for (const key in entity) out += `,${JSON.stringify(key)}:${text(entity[key])}`;
  return out;
};

const rowText = (writer: Writer, entity: EntityKey, values: readonly Value[]): string => {
  const keys = entityText(entity).slice(1);
  const row = JSON.stringify(writer.rowOf(values));
  if (keys === '') return row;
  return row === '{}' ? `{${keys}}` : `{${keys},${row.slice(1)}`;
};

const statusText = (writer: Writer, status: readonly string[]): string => {
  for (let i = 0; i < status.length; i++) if (status[i] !== 'present') return `["${status.join('","')}"]`;
  return writer.allPresent;
};

const viewText = (view: ViewAnswer): string =>
  `{"view":${JSON.stringify(view.view)},"version":${view.version},"generation":${view.generation},"eventTime":${view.eventTime},"position":${JSON.stringify(view.position)},"through":${view.through}}`;

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
    const modes = result.degraded === undefined ? '' : `,"degraded":${JSON.stringify(result.degraded)}`;
    return `{"rows":[${rows}],"status":[${statuses}],"features":${writer.features},"views":[${answers}],"at":${result.at},"known":${result.known}${modes}}`;
  };
};
