/**
 * Serializes the answer of POST /v1/features, with a writer for each list of features.
 *
 *   {"rows":[{<entity keys>,"<feature>":<value>,…}],"status":[[…]],"features":[…],
 *    "views":[…],"at":T,"known":T[,"degraded":[…]]}
 *
 * The parts that are the same in all answers of a list (the names in a row, the status row in which
 * all values are present, the feature names) are made once, so that a request only adds values. The
 * platform uses one array per service, so the writer is found by identity.
 */

import type { ReadResult, ViewAnswer } from '#domain/api/serving.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import { NUMBER_BYTES, putNumber } from '#domain/values/number-bytes.ts';
import type { Value } from '#domain/values/value.ts';
import {
  endJson,
  type JsonBytes,
  putBytes,
  putJson,
  putRaw,
  reserve,
  startJson,
} from './json-bytes.ts';

interface Writer {
  /** `,"<feature>":` of each feature, one after the other */
  readonly names: Uint8Array;
  /** [feature]: where its name begins in `names`; and the end of the last */
  readonly nameAt: Int32Array;
  /** bytes of a row of numbers, at most */
  readonly mostBytes: number;
  readonly ascii: boolean;
  /** `,` and the status row in which all values are present */
  readonly allPresent: Uint8Array;
  /** the text from the list of features to the start of the views */
  readonly features: Uint8Array;
}

const COMMA = 44;
const OPEN = 123;
const CLOSE = 125;
const OPEN_LIST = 91;

const makeWriter = (features: readonly string[]): Writer => {
  const names = features.map((name) => Buffer.from(`,${JSON.stringify(name)}:`));
  const nameAt = new Int32Array(features.length + 1);
  names.forEach((name, i) => {
    nameAt[i + 1] = (nameAt[i] as number) + name.length;
  });
  const all = new Uint8Array(Buffer.concat(names));
  return {
    names: all,
    nameAt,
    mostBytes: all.length + features.length * NUMBER_BYTES + 2,
    ascii: all.every((byte) => byte < 128),
    allPresent: Buffer.from(`,${JSON.stringify(features.map(() => 'present'))}`),
    features: Buffer.from(`],"features":${JSON.stringify(features)},"views":[`),
  };
};

/**
 * Names of entity keys as JSON properties. Definitions have few of them, but callers may send any:
 * the map is bounded.
 */
const keyNames = new Map<string, Uint8Array>();
const MOST_KEYS = 1_000;

const keyName = (key: string): Uint8Array => {
  const cached = keyNames.get(key);
  if (cached !== undefined) return cached;
  const made = new Uint8Array(Buffer.from(`,${JSON.stringify(key)}:`));
  if (keyNames.size >= MOST_KEYS) keyNames.clear();
  keyNames.set(key, made);
  return made;
};

const putEntity = (out: JsonBytes, entity: EntityKey): void => {
  for (const key in entity) {
    const name = keyName(key);
    // ASCII: one byte per character, and the comma, two quotes and colon around it.
    if (name.length !== key.length + 4) out.ascii = false;
    putBytes(out, name);
    putJson(out, entity[key]);
  }
};

/** Each property begins with a comma; the brace replaces the first one. */
const putRow = (
  out: JsonBytes,
  writer: Writer,
  entity: EntityKey,
  values: readonly Value[],
): void => {
  const { names, nameAt } = writer;
  const from = out.at;
  putEntity(out, entity);
  reserve(out, writer.mostBytes);
  for (let i = 0; i < values.length; i++) {
    let { bytes, at } = out;
    const end = nameAt[i + 1] as number;
    for (let n = nameAt[i] as number; n < end; n++) bytes[at++] = names[n] as number;
    const value = values[i];
    if (typeof value === 'number' && Number.isFinite(value)) out.at = putNumber(bytes, at, value);
    else {
      out.at = at;
      putJson(out, value);
      reserve(out, writer.mostBytes);
    }
  }
  if (out.at === from) out.at++;
  out.bytes[from] = OPEN;
  out.bytes[out.at++] = CLOSE;
};

const putStatus = (out: JsonBytes, writer: Writer, status: readonly string[]): void => {
  for (let i = 0; i < status.length; i++)
    if (status[i] !== 'present') return putRaw(out, `,["${status.join('","')}"]`);
  reserve(out, writer.allPresent.length);
  out.bytes.set(writer.allPresent, out.at);
  out.at += writer.allPresent.length;
};

const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const ROWS = ascii('{"rows":[');
const STATUS = ascii('],"status":');
const EMPTY_LIST = ascii('[');
const AT = ascii('],"at":');
const KNOWN = ascii(',"known":');
const END = ascii('}');
const VIEW = ascii('{"view":');
const VERSION = ascii(',"version":');
const GENERATION = ascii(',"generation":');
const EVENT_TIME = ascii(',"eventTime":');
const POSITION = ascii(',"position":');
const THROUGH = ascii(',"completeThrough":');

const put = (out: JsonBytes, name: Uint8Array, value: unknown): void => {
  putBytes(out, name);
  putJson(out, value);
};

const putView = (
  out: JsonBytes,
  { view, version, generation, eventTime, position, completeThrough }: ViewAnswer,
): void => {
  put(out, VIEW, view);
  put(out, VERSION, version);
  put(out, GENERATION, generation);
  put(out, EVENT_TIME, eventTime);
  put(out, POSITION, position);
  put(out, THROUGH, completeThrough);
  putBytes(out, END);
};

const putRows = (out: JsonBytes, writer: Writer, { entities, values }: ReadResult): void => {
  if (!writer.ascii) out.ascii = false;
  for (let i = 0; i < values.length; i++) {
    if (i > 0) out.bytes[out.at++] = COMMA;
    putRow(out, writer, entities[i] as EntityKey, values[i] as readonly Value[]);
  }
};

export const createFeaturesSerializer = (): ((result: ReadResult) => string | Buffer) => {
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
    const out = startJson();
    putBytes(out, ROWS);
    putRows(out, writer, result);
    putBytes(out, STATUS);
    const statusAt = out.at;
    for (let i = 0; i < result.status.length; i++)
      putStatus(out, writer, result.status[i] as readonly string[]);
    if (out.at === statusAt) putBytes(out, EMPTY_LIST);
    else out.bytes[statusAt] = OPEN_LIST;
    putBytes(out, writer.features);
    for (let i = 0; i < result.views.length; i++) {
      if (i > 0) putRaw(out, ',');
      putView(out, result.views[i] as ViewAnswer);
    }
    put(out, AT, result.at);
    put(out, KNOWN, result.known);
    if (result.degraded !== undefined)
      putRaw(out, `,"degraded":${JSON.stringify(result.degraded)}`);
    putBytes(out, END);
    return endJson(out);
  };
};
