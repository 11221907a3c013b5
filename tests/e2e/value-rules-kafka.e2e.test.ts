/**
 * The columns of the matrix for records of an ingest topic, in JSON and in Avro: a record means the
 * same as the same event over HTTP, or is refused as it is. Avro has types that JSON does not have;
 * each has one meaning or is refused.
 */
import { source } from 'millrace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createIngestRecords } from '#commands/ingest/ingest-topic.ts';
import { openSourceIngest } from '#commands/ingest/source-ingest.ts';
import { ByteWriter } from '#domain/avro/bytes.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { decodeRejectedEvent } from '#domain/events/rejected-event.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { isExactNumber, parseExactJson } from '#domain/values/exact-json.ts';
import { floatDigits } from '#domain/values/float-digits.ts';
import type { ScalarType } from '#domain/values/value.ts';
import { streamTasks } from '#infra/embedded-engine/stream-tasks.ts';
import { hybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteLog } from '#infra/sqlite/log.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { varint } from '#tests/hostile/support/bytes.ts';
import { CASES, sourceOf, TYPES } from './value-cases.ts';

const NOW = Date.UTC(2026, 0, 31);
const database = openDatabase(':memory:');
const log = sqliteLog(database, hybridClock(), streamTasks);
const schemas = sqliteSchemaRegistry(database);
const now = (): number => NOW;

type Outcome = { readonly value: unknown } | { readonly refused: string; readonly code: string };

/** Sends one record to a source's ingest topic. Returns its field `v`, or the refusal. */
type Send = (value: Uint8Array, schemaId?: number) => Promise<Outcome>;

const senderOf = async (definition: SourceDefinition): Promise<Send> => {
  const ingest = await openSourceIngest(definition, 1, { log, schemas, now }, null);
  const ingestRecords = createIngestRecords(ingest, { schemas, now });
  return async (value, schemaId = -1) => {
    const record: LogRecord = {
      topic: `ingest.${definition.name}`,
      partition: 0,
      offset: 0,
      key: null,
      logTime: NOW,
      value,
      schemaId,
    };
    const [made] = (await ingestRecords([record])).records;
    if (made === undefined) throw new Error('the record was left out');
    if (made.topic === rawTopic(definition.name))
      return { value: ingest.codec.decode(made.value).v };
    const { code, message } = decodeRejectedEvent(made.value);
    return { refused: message, code };
  };
};

const senders = new Map<ScalarType, Send>();
beforeAll(async () => {
  for (const type of TYPES) senders.set(type, await senderOf(sourceOf(type)));
});
afterAll(() => database.close());
const sendTo = (type: ScalarType): Send => senders.get(type) as Send;

const writer = new ByteWriter();
const written = (write: (w: ByteWriter) => void): Uint8Array => {
  writer.reset();
  write(writer);
  return writer.take();
};
const text = (value: string): Uint8Array => written((w) => w.writeText(value));
const double = (value: number): Uint8Array => written((w) => w.writeDouble(value));
const float = (value: number): Uint8Array => written((w) => w.writeFloat(value));
const flag = (value: boolean): Uint8Array => Uint8Array.of(value ? 1 : 0);
const bytes = (hex: string): Uint8Array => {
  const all = Buffer.from(hex, 'hex');
  return Buffer.concat([varint(BigInt(all.length)), all]);
};

const EVENT_TIME = { type: 'long', logicalType: 'timestamp-millis' };
const HEAD = Buffer.concat([varint(BigInt(NOW)), text('i')]);

let schemaCount = 0;
/** Sends a record whose field `v` has this Avro type and these bytes. */
const sendAvro = async (
  type: ScalarType,
  avro: unknown,
  value: Uint8Array,
  more: readonly object[] = [],
): Promise<Outcome> => {
  const fields = [
    { name: 'ts', type: EVENT_TIME },
    { name: 'id', type: 'string' },
    { name: 'v', type: avro },
    ...more,
  ];
  const schema = { type: 'record', name: 'written', fields };
  const id = await schemas.register(`producer-${schemaCount++}`, schema);
  return sendTo(type)(Buffer.concat([HEAD, value]), id);
};

const shown = (type: ScalarType, outcome: Outcome): Outcome =>
  type === 'float' && 'value' in outcome
    ? { value: floatDigits(outcome.value as number) }
    : outcome;

describe('JSON', () => {
  test.each(TYPES)('%s', async (type) => {
    for (const [json, meaning] of CASES[type]) {
      const event = `{"ts":"2026-01-01T00:00:00Z","id":"i","v":${json}}`;
      const outcome = await sendTo(type)(Buffer.from(event));
      expect([json, shown(type, outcome)]).toEqual([
        json,
        meaning instanceof RegExp
          ? { refused: expect.stringMatching(meaning), code: expect.stringMatching(/^MR_/) }
          : { value: meaning },
      ]);
    }
  });
});

/** How a producer may write a value of JSON in Avro's types without a logical type. */
const inAvro = (json: string): readonly (readonly [avro: string, bytes: Uint8Array])[] => {
  const value = parseExactJson(json);
  if (typeof value === 'string') return value.isWellFormed() ? [['string', text(value)]] : [];
  if (typeof value === 'boolean') return [['boolean', flag(value)]];
  const whole = /^-?\d+$/.test(json) ? BigInt(json) : null;
  const asLong = whole !== null && BigInt.asIntN(64, whole) === whole;
  return [
    ...(asLong ? [['long', varint(whole)] as const] : []),
    ...(asLong && BigInt.asIntN(32, whole) === whole ? [['int', varint(whole)] as const] : []),
    ...(isExactNumber(value) ? [] : [['double', double(value as number)] as const]),
  ];
};

describe('Avro', () => {
  test.each(TYPES)('%s, in types that JSON has', async (type) => {
    for (const [json, meaning] of CASES[type])
      for (const [avro, value] of inAvro(json)) {
        for (const union of [avro, ['null', avro], [avro, 'null']]) {
          const branch = union === avro ? [] : [varint(union[0] === 'null' ? 1n : 0n)];
          const outcome = await sendAvro(type, union, Buffer.concat([...branch, value]));
          const unlike =
            meaning instanceof RegExp && !('refused' in outcome && meaning.test(outcome.refused));
          expect([json, union, shown(type, outcome), unlike]).toEqual([
            json,
            union,
            meaning instanceof RegExp
              ? { refused: expect.any(String), code: expect.any(String) }
              : { value: meaning },
            false,
          ]);
        }
      }
  });

  const logical = (type: unknown, logicalType: string, more: object = {}) => ({
    type,
    logicalType,
    ...more,
  });
  const millis = logical('long', 'timestamp-millis');
  const micros = logical('long', 'timestamp-micros');
  const nanos = logical('long', 'timestamp-nanos');
  const local = logical('long', 'local-timestamp-millis');
  const day = logical('int', 'date');
  const decimal = logical('bytes', 'decimal', { precision: 9, scale: 2 });
  const color = { type: 'enum', name: 'color', symbols: ['RED', 'BLUE'] };
  const long = (n: bigint | number): Uint8Array => varint(BigInt(n));

  test.each<[string, ScalarType, unknown, Uint8Array, unknown]>([
    ['milliseconds', 'timestamp', millis, long(1709208000000), 1709208000000],
    ['microseconds', 'timestamp', micros, long(1709208000123999), 1709208000123],
    ['microseconds before 1970', 'timestamp', micros, long(-1), -1],
    ['microseconds past 2^53', 'timestamp', micros, long(253402300799999999n), 253402300799999],
    ['nanoseconds', 'timestamp', nanos, long(1709208000123000000n), 1709208000123],
    ['the nanosecond before', 'timestamp', nanos, long(1709208000122999999n), 1709208000122],
    ['seconds as milliseconds', 'timestamp', millis, long(1709208000), /seconds/],
    ['milliseconds as microseconds', 'timestamp', micros, long(1709208000000), /seconds/],
    ['a local time', 'timestamp', local, long(0), /local-timestamp-millis and timestamp in the/],
    ['a date as a time', 'timestamp', day, long(19782), /date and timestamp .*timestamp-millis/],
    ['a time of day', 'timestamp', logical('int', 'time-millis'), long(5), /time-millis and/],
    ['a date', 'date', day, long(19782), 19782],
    ['a time as a date', 'date', millis, long(0), /timestamp-millis and date .*send Avro's date/],
    ['microseconds as a long', 'long', micros, long(5), 5],
    ['a decimal', 'double', decimal, bytes('04ce'), /decimal and double .*send a double, or a/],
    ['a decimal as text', 'string', decimal, bytes('04ce'), /decimal and string/],
    ['a decimal as bytes', 'bytes', decimal, bytes('04ce'), /decimal and bytes/],
    ['bytes', 'bytes', 'bytes', bytes('6869'), 'aGk='],
    ['bytes as text', 'string', 'bytes', bytes('6869'), /bytes and string .*send Avro's string/],
    ['an enum', 'string', color, long(1), 'BLUE'],
    ['an enum without the symbol', 'string', color, long(2), /no such symbol/],
    ['an enum as a number', 'int', color, long(1), /got "BLUE"/],
    ['a UUID', 'string', logical('string', 'uuid'), text('6f1c'), '6f1c'],
    ['a float', 'float', 'float', float(0.1), Math.fround(0.1)],
    ['a float as a double', 'double', 'float', float(0.5), 0.5],
    ['a whole float as an int', 'int', 'float', float(5), 5],
    ['a fraction as a long', 'long', 'float', float(0.5), /got 0\.5/],
    ['2^53 + 1', 'long', 'long', long(9007199254740993n), /9007199254740993 is out of range/],
    ['−2^53 − 1', 'long', 'long', long(-9007199254740993n), /-9007199254740993 is out of range/],
    ['the largest long', 'int', 'long', long(2n ** 63n - 1n), /9223372036854775807 is out of/],
    ['the least long', 'string', 'long', long(-(2n ** 63n)), /got -9223372036854775808/],
    // Rounded once: the sum of the bytes of the varint, one by one, would be rounded twice.
    ['a long as a double', 'double', 'long', long(2n ** 60n + 129n), 2 ** 60 + 256],
    ['a number that is not one', 'double', 'double', double(Number.NaN), /not a finite number/],
    ['a fixed', 'bytes', { type: 'fixed', name: 'f', size: 1 }, Buffer.of(1), /that sources do/],
    ['a union of two types', 'long', ['null', 'long', 'string'], long(0), /union of more than/],
    ['a map', 'string', { type: 'map', values: 'string' }, long(0), /Avro type that sources/],
  ])('%s', async (_name, type, avro, value, meaning) => {
    expect(await sendAvro(type, avro, value)).toEqual(
      meaning instanceof RegExp
        ? { refused: expect.stringMatching(meaning), code: expect.stringMatching(/^MR_/) }
        : { value: meaning },
    );
  });

  test('a field that the source lacks is refused as in JSON, and one left out is null', async () => {
    const json = '{"ts":"2026-01-01T00:00:00Z","id":"i","v":5,"extra":7}';
    const more = [{ name: 'extra', type: 'long' }];
    const refused = await sendTo('int')(Buffer.from(json));
    expect(refused).toMatchObject({ code: 'MR_FIELD_UNKNOWN' });
    expect(await sendAvro('int', 'int', Buffer.concat([varint(5n), varint(7n)]), more)).toEqual(
      refused,
    );
    const fields = [
      { name: 'id', type: 'string' },
      { name: 'ts', type: EVENT_TIME },
    ];
    const id = await schemas.register('shorter', { type: 'record', name: 'r', fields });
    const value = Buffer.concat([text('i'), varint(BigInt(NOW))]);
    expect(await sendTo('int')(value, id)).toEqual({ value: null });
  });

  test('items of a list are read by the same rules', async () => {
    const send = await senderOf(
      source({
        name: 'lists',
        fields: { ts: 'timestamp', id: 'string', v: 'array<timestamp>' },
        eventTime: 'ts',
      }) as SourceDefinition,
    );
    const listOf = async (items: unknown, ...values: readonly bigint[]): Promise<Outcome> => {
      const fields = [
        { name: 'ts', type: EVENT_TIME },
        { name: 'id', type: 'string' },
        { name: 'v', type: { type: 'array', items } },
      ];
      const schema = { type: 'record', name: 'l', fields };
      const id = await schemas.register(`lists-${schemaCount++}`, schema);
      const list = [varint(BigInt(values.length)), ...values.map(varint), varint(0n)];
      return send(Buffer.concat([HEAD, ...list]), id);
    };
    expect(await listOf(micros, 1709208000123999n, -1n)).toEqual({ value: [1709208000123, -1] });
    expect(await listOf(millis, 5n, 1709208000n)).toMatchObject({
      refused: expect.stringMatching(/item 2 of the list: .*seconds/),
    });
    expect(await listOf(day, 5n)).toMatchObject({ refused: expect.stringMatching(/date and/) });
  });
});

test('a known time is refused in records, as over HTTP', async () => {
  const send = await senderOf(
    source({
      name: 'known',
      fields: { ts: 'timestamp', id: 'string', v: 'timestamp?' },
      eventTime: 'ts',
      knownTime: 'v',
    }) as SourceDefinition,
  );
  const head = '{"ts":"2026-01-01T00:00:00Z","id":"i"';
  expect(await send(Buffer.from(`${head}}`))).toEqual({ value: null });
  expect(await send(Buffer.from(`${head},"v":null}`))).toEqual({ value: null });
  const refused = {
    code: 'MR_KNOWN_TIME_INVALID',
    refused: expect.stringMatching(/only an import/),
  };
  expect(await send(Buffer.from(`${head},"v":"2026-01-01T00:00:00Z"}`))).toEqual(refused);
  const fields = [
    { name: 'ts', type: EVENT_TIME },
    { name: 'id', type: 'string' },
    { name: 'v', type: EVENT_TIME },
  ];
  const id = await schemas.register('known-avro', { type: 'record', name: 'k', fields });
  expect(await send(Buffer.concat([HEAD, varint(BigInt(NOW))]), id)).toEqual(refused);
});
