/**
 * Decodes millrace.v1.ReadRequest directly into the platform's request, without protobuf's objects,
 * of which there would be several per name and value. Callers often request the same features, so
 * recent feature lists are cached with their bytes. A test compares the decoder with the proto.
 */
import type { ReadRequest } from '#domain/api/serving.ts';
import { fail } from '#domain/errors.ts';
import { setOwn } from '#gateways/shared/own-property.ts';
import { timeOf } from '#gateways/shared/parameters.ts';
import { FIXED64, LENGTH, VARINT } from './wire.ts';

const REQUEST = {
  service: 1,
  features: 2,
  entities: 3,
  request: 4,
  at: 5,
  known: 6,
  after: 7,
} as const;
/** google.protobuf */
const STRUCT_FIELDS = 1;
const ENTRY = { key: 1, value: 2 } as const;
const VALUE = { null: 1, number: 2, string: 3, bool: 4, struct: 5, list: 6 } as const;
const LIST_VALUES = 1;
const FIXED32 = 5;
/** Nesting of messages, as in protobufjs. */
const DEEPEST = 100;

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

const broken = (why: string): never =>
  fail('MR_BODY_INVALID', `the message does not match its proto: ${why}`);

/** A varint that is a tag or a length. */
const varint = (r: Reader, end: number): number => {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    if (r.at >= end || scale > 2 ** 63) return broken('it ends within a number');
    const byte = r.bytes[r.at++] as number;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
};

/** An int64 as a number: exact to ±2^53, as all numbers of the platform. */
const int64 = (r: Reader, end: number): number => {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    if (r.at >= end || shift > 63n) return broken('it ends within a number');
    const byte = r.bytes[r.at++] as number;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return Number(BigInt.asIntN(64, value));
  }
};

/** The end of the next field. */
const lengthEnd = (r: Reader, end: number): number => {
  const to = varint(r, end) + r.at;
  return to <= end ? to : broken('it ends within a field');
};

const text = (r: Reader, end: number): string => {
  const to = lengthEnd(r, end);
  const read = r.bytes.toString('utf8', r.at, to);
  r.at = to;
  return read;
};

const skip = (r: Reader, type: number, end: number): void => {
  switch (type) {
    case VARINT:
      varint(r, end);
      break;
    case FIXED64:
      r.at += 8;
      break;
    case LENGTH:
      r.at = lengthEnd(r, end);
      break;
    case FIXED32:
      r.at += 4;
      break;
    default:
      broken(`a field has wire type ${type}`);
  }
  if (r.at > end) broken('it ends within a field');
};

const double = new Float64Array(1);
const octets = new Uint8Array(double.buffer);

const number = (r: Reader, end: number): number => {
  if (r.at + 8 > end) broken('it ends within a number');
  for (let i = 0; i < 8; i++) octets[i] = r.bytes[r.at + i] as number;
  r.at += 8;
  return double[0] as number;
};

/** If a value has several kinds, the last one counts; without any it is null. */
const readValue = (r: Reader, end: number, depth: number): unknown => {
  if (depth > DEEPEST) broken('it is nested too deep');
  let value: unknown = null;
  while (r.at < end) {
    const tag = varint(r, end);
    switch (tag) {
      case (VALUE.number << 3) | FIXED64:
        value = number(r, end);
        break;
      case (VALUE.string << 3) | LENGTH:
        value = text(r, end);
        break;
      case (VALUE.bool << 3) | VARINT:
        value = varint(r, end) !== 0;
        break;
      case (VALUE.null << 3) | VARINT:
        varint(r, end);
        value = null;
        break;
      case (VALUE.struct << 3) | LENGTH:
        value = readStruct(r, lengthEnd(r, end), depth + 1);
        break;
      case (VALUE.list << 3) | LENGTH:
        value = readList(r, lengthEnd(r, end), depth + 1);
        break;
      default:
        skip(r, tag % 8, end);
    }
  }
  return value;
};

const readList = (r: Reader, end: number, depth: number): unknown[] => {
  const list: unknown[] = [];
  while (r.at < end) {
    const tag = varint(r, end);
    if (tag === ((LIST_VALUES << 3) | LENGTH))
      list.push(readValue(r, lengthEnd(r, end), depth + 1));
    else skip(r, tag % 8, end);
  }
  return list;
};

const readStruct = (r: Reader, end: number, depth: number): Record<string, unknown> => {
  const row: Record<string, unknown> = {};
  while (r.at < end) {
    const tag = varint(r, end);
    if (tag !== ((STRUCT_FIELDS << 3) | LENGTH)) {
      skip(r, tag % 8, end);
      continue;
    }
    const entryEnd = lengthEnd(r, end);
    let key = '';
    let value: unknown = null;
    while (r.at < entryEnd) {
      const part = varint(r, entryEnd);
      if (part === ((ENTRY.key << 3) | LENGTH)) key = text(r, entryEnd);
      else if (part === ((ENTRY.value << 3) | LENGTH))
        value = readValue(r, lengthEnd(r, entryEnd), depth + 1);
      else skip(r, part % 8, entryEnd);
    }
    setOwn(row, key, value);
  }
  return row;
};

const FEATURES_TAG = (REQUEST.features << 3) | LENGTH;

interface CachedList {
  readonly bytes: Buffer;
  readonly features: readonly string[];
}

/** How many recent feature lists are cached. */
const CACHED = 8;

export const createReadRequestDecoder = (): ((bytes: Buffer) => ReadRequest) => {
  const cache: CachedList[] = [];

  /** The consecutive `features` fields that begin at `from`. */
  const featuresAt = (r: Reader, from: number): readonly string[] => {
    const { bytes } = r;
    for (let i = 0; i < cache.length; i++) {
      const one = cache[i] as CachedList;
      const to = from + one.bytes.length;
      // The next field must not be another feature.
      if (
        to > bytes.length ||
        bytes[to] === FEATURES_TAG ||
        bytes.compare(one.bytes, 0, one.bytes.length, from, to) !== 0
      )
        continue;
      r.at = to;
      return one.features;
    }
    r.at = from;
    const features: string[] = [];
    while (r.at < bytes.length && bytes[r.at] === FEATURES_TAG) {
      r.at++;
      features.push(text(r, bytes.length));
    }
    cache.unshift({ bytes: Buffer.from(bytes.subarray(from, r.at)), features });
    cache.length = Math.min(cache.length, CACHED);
    return features;
  };

  return (bytes) => {
    const r: Reader = { bytes, at: 0 };
    const end = bytes.length;
    let service = '';
    let features: readonly string[] = [];
    const entities: Record<string, unknown>[] = [];
    let request: Record<string, unknown>[] | null = null;
    let at: number | undefined;
    let known: number | undefined;
    let after = '';
    while (r.at < end) {
      const from = r.at;
      const tag = varint(r, end);
      switch (tag) {
        case FEATURES_TAG: {
          const more = featuresAt(r, from);
          features = features.length === 0 ? more : [...features, ...more];
          break;
        }
        case (REQUEST.entities << 3) | LENGTH:
          entities.push(readStruct(r, lengthEnd(r, end), 0));
          break;
        case (REQUEST.service << 3) | LENGTH:
          service = text(r, end);
          break;
        case (REQUEST.request << 3) | LENGTH:
          request ??= [];
          request.push(readStruct(r, lengthEnd(r, end), 0));
          break;
        case (REQUEST.at << 3) | VARINT:
          at = int64(r, end);
          break;
        case (REQUEST.known << 3) | VARINT:
          known = int64(r, end);
          break;
        case (REQUEST.after << 3) | LENGTH:
          after = text(r, end);
          break;
        default:
          skip(r, tag % 8, end);
      }
    }
    return {
      ...(service === '' ? {} : { service }),
      ...(features.length === 0 && service !== '' ? {} : { features }),
      entities: entities as unknown as ReadRequest['entities'],
      ...(request === null
        ? {}
        : { request: request as unknown as NonNullable<ReadRequest['request']> }),
      ...(at === undefined ? {} : { at: timeOf('at', at) }),
      ...(known === undefined ? {} : { known: timeOf('known', known) }),
      ...(after === '' ? {} : { after }),
    };
  };
};
