/**
 * Encodes the answer of a read directly as millrace.v1.ReadResponse, without protobuf's objects, of
 * which there would be three per value (50 values are a usual row). A test compares the encoder
 * with the proto.
 */
import type { ReadResult, ViewAnswer } from '#domain/api/serving.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';
import {
  endWire,
  FIXED64,
  LENGTH,
  newWire,
  putDouble,
  putMessage,
  putTag,
  putText,
  putVarint,
  putWhole,
  reserve,
  startWire,
  type Wire,
} from './wire.ts';

/** The answer to a refused read of a stream. */
export interface RefusedAnswer {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

const STATUS_NUMBER: Readonly<Record<FeatureStatus, number>> = {
  present: 0,
  null: 1,
  'not-found': 2,
  expired: 3,
  overflow: 4,
};

const RESPONSE = {
  features: 1,
  rows: 2,
  views: 3,
  at: 4,
  known: 5,
  error: 6,
  degraded: 7,
} as const;
const ROW = { values: 1, statuses: 2 } as const;
const VIEW = {
  view: 1,
  version: 2,
  generation: 3,
  eventTime: 4,
  position: 5,
  completeThrough: 6,
} as const;
const REFUSAL = { code: 1, message: 2, details: 3 } as const;
/** google.protobuf */
const VALUE = { null: 1, number: 2, string: 3, bool: 4, struct: 5, list: 6 } as const;
const LIST = { values: 1 } as const;
const STRUCT = { fields: 1 } as const;
const ENTRY = { key: 1, value: 2 } as const;

const putStruct = (wire: Wire, field: number, row: object): void =>
  putMessage(wire, field, () => {
    for (const [key, value] of Object.entries(row))
      putMessage(wire, STRUCT.fields, () => {
        putText(wire, ENTRY.key, key);
        putValue(wire, ENTRY.value, value);
      });
  });

/** @param value any JSON value */
const putValue = (wire: Wire, field: number, value: unknown): void => {
  if (typeof value === 'number') {
    reserve(wire, 11);
    putTag(wire, field, LENGTH);
    wire.bytes[wire.at++] = 9;
    putTag(wire, VALUE.number, FIXED64);
    putDouble(wire, value);
    return;
  }
  putMessage(wire, field, () => {
    if (value === null || value === undefined) putWhole(wire, VALUE.null, 0);
    else if (typeof value === 'boolean') putWhole(wire, VALUE.bool, value ? 1 : 0);
    else if (value === '') putMessage(wire, VALUE.string, () => {});
    else if (Array.isArray(value))
      putMessage(wire, VALUE.list, () => {
        for (const item of value) putValue(wire, LIST.values, item);
      });
    else if (typeof value === 'object') putStruct(wire, VALUE.struct, value);
    else putText(wire, VALUE.string, String(value));
  });
};

/** Bytes of a number in a row: field, length, field of the number, number. */
const NUMBER_BYTES = 11;
const NUMBER_AT = 3;

/** Numbers in a row, all of them 0, for the widest row so far. */
let zeros: Buffer = Buffer.alloc(0);

const zerosOf = (count: number): Buffer => {
  if (zeros.length < count * NUMBER_BYTES) {
    const wire = newWire(count * NUMBER_BYTES);
    for (let i = 0; i < count; i++) {
      putTag(wire, ROW.values, LENGTH);
      wire.bytes[wire.at++] = NUMBER_BYTES - 2;
      putTag(wire, VALUE.number, FIXED64);
      putDouble(wire, 0);
    }
    zeros = wire.bytes;
  }
  return zeros;
};

/**
 * The usual row: numbers, all present. Its length is known before it is written, and only the
 * numbers differ from those of another row.
 */
const putNumbers = (
  wire: Wire,
  values: readonly Value[],
  statuses: readonly FeatureStatus[],
): boolean => {
  const begin = wire.at;
  const length = values.length * NUMBER_BYTES;
  reserve(wire, length + 12);
  putTag(wire, RESPONSE.rows, LENGTH);
  putVarint(wire, length);
  zerosOf(values.length).copy(wire.bytes, wire.at, 0, length);
  const { view } = wire;
  for (let i = 0, at = wire.at + NUMBER_AT; i < values.length; i++, at += NUMBER_BYTES) {
    const value = values[i];
    if (typeof value !== 'number' || statuses[i] !== 'present') {
      wire.at = begin;
      return false;
    }
    view.setFloat64(at, value, true);
  }
  wire.at += length;
  return true;
};

const putMixed = (wire: Wire, values: readonly Value[], statuses: readonly FeatureStatus[]): void =>
  putMessage(wire, RESPONSE.rows, () => {
    let present = true;
    for (let i = 0; i < values.length; i++) {
      putValue(wire, ROW.values, values[i] as Value);
      present &&= statuses[i] === 'present';
    }
    if (present) return;
    reserve(wire, statuses.length + 12);
    putTag(wire, ROW.statuses, LENGTH);
    putVarint(wire, statuses.length);
    for (const one of statuses) wire.bytes[wire.at++] = STATUS_NUMBER[one];
  });

const putRow = (wire: Wire, values: readonly Value[], statuses: readonly FeatureStatus[]): void => {
  if (!putNumbers(wire, values, statuses)) putMixed(wire, values, statuses);
};

const putView = (
  wire: Wire,
  { view, version, generation, eventTime, position, completeThrough }: ViewAnswer,
): void =>
  putMessage(wire, RESPONSE.views, () => {
    putText(wire, VIEW.view, view);
    putWhole(wire, VIEW.version, version);
    putWhole(wire, VIEW.generation, generation);
    if (eventTime !== null) putWhole(wire, VIEW.eventTime, eventTime);
    putText(wire, VIEW.position, position);
    if (completeThrough !== null) putWhole(wire, VIEW.completeThrough, completeThrough);
  });

/** The encoded feature names, which are the same in all answers of a plan. */
const namesBytes = new WeakMap<readonly string[], Buffer>();

const namesOf = (features: readonly string[]): Buffer => {
  const cached = namesBytes.get(features);
  if (cached !== undefined) return cached;
  const size = features.reduce((sum, name) => sum + Buffer.byteLength(name) + 12, 0);
  const wire = newWire(size);
  for (const name of features) putText(wire, RESPONSE.features, name);
  const bytes = Buffer.from(wire.bytes.subarray(0, wire.at));
  namesBytes.set(features, bytes);
  return bytes;
};

const isRefused = (answer: ReadResult | RefusedAnswer): answer is RefusedAnswer =>
  'error' in answer;

/** The bytes are valid until the next call. */
export const encodeReadResponse = (answer: ReadResult | RefusedAnswer): Buffer => {
  const wire = startWire();
  if (isRefused(answer)) {
    putMessage(wire, RESPONSE.error, () => {
      putText(wire, REFUSAL.code, answer.error.code);
      putText(wire, REFUSAL.message, answer.error.message);
      putStruct(wire, REFUSAL.details, answer.error.details);
    });
    return endWire(wire);
  }
  const names = namesOf(answer.features);
  reserve(wire, names.length + 64);
  names.copy(wire.bytes, wire.at);
  wire.at += names.length;
  for (let row = 0; row < answer.values.length; row++)
    putRow(
      wire,
      answer.values[row] as readonly Value[],
      answer.status[row] as readonly FeatureStatus[],
    );
  for (const view of answer.views) putView(wire, view);
  putWhole(wire, RESPONSE.at, answer.at);
  putWhole(wire, RESPONSE.known, answer.known);
  for (const mode of answer.degraded ?? []) putText(wire, RESPONSE.degraded, mode);
  return endWire(wire);
};
