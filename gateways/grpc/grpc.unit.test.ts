/**
 * The gRPC gateway over a real platform, through the project's own client and through bare gRPC.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  credentials,
  loadPackageDefinition,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect } from '#client/index.ts';
import type { ReadResult } from '#domain/api/serving.ts';
import {
  approxTopK,
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  source,
} from '#domain/definitions/index.ts';
import { MillraceError } from '#domain/errors.ts';
import { DEGRADED_MODES } from '#domain/ports/degraded.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { GENERATED, generateTypes } from '#scripts/generate/grpc-types.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { encodeReadResponse } from './encode-read.ts';
import { createGrpcGateway, type GrpcGateway } from './gateway.ts';
import type { FeaturesClient } from './generated/millrace/v1/Features.ts';
import type { ReadRequest } from './generated/millrace/v1/ReadRequest.ts';
import type { ReadResponse__Output } from './generated/millrace/v1/ReadResponse.ts';
import { nativeProtos } from './native-protos.ts';
import { serviceOf } from './protos.ts';
import { plainOf, structOf } from './struct.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: {
    t: 'timestamp',
    shop: 'string',
    amount: 'double?',
    item: 'string?',
    big: 'boolean?',
    tags: 'array<string>?',
  },
  eventTime: 't',
});
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: sales,
  features: {
    events: count({}),
    mean: avg(col('amount'), {}),
    last_item: last(col('item')),
    last_big: last(col('big')),
    last_tags: last(col('tags')),
    often: approxTopK(col('item'), 2),
  },
});
const model = featureService({ name: 'model', features: [totals.pick('events', 'mean')] });
const FEATURES = Object.keys(totals.features).map((name) => `totals:${name}`);
const T = Date.parse('2026-01-31T12:00:00Z');

let on: TestPlatform;
let gateway: GrpcGateway;
let client: Client;
let bare: FeaturesClient;

beforeAll(async () => {
  on = await testPlatform();
  await on.platform.registry.apply(plain(shop, sales, totals, model), {}, caller);
  gateway = await createGrpcGateway({
    modules: grpcModules(),
    platform: on.platform,
    port: 0,
    limits: { entities: 50, events: 20 },
  });
  client = connect({ address: gateway.address });
  bare = new (makeGenericClientConstructor(serviceOf(nativeProtos, 'millrace.v1.Features'), 'f'))(
    gateway.address,
    credentials.createInsecure(),
  ) as unknown as FeaturesClient;
  const { position } = await client.publish(sales, [
    { t: T, shop: 'é1', amount: 2.5, item: 'tea', big: true, tags: ['a', ''] },
    { t: T + 1, shop: 'é1', amount: null, item: '' },
    { t: T + 2, shop: 's2', amount: -0.5, item: 'rye', big: false, tags: [] },
  ]);
  await client.view(totals, [], { after: position });
});

afterAll(async () => {
  client?.close();
  bare?.close();
  await gateway?.close();
  await on?.dispose();
});

const refused = (code: string) => expect.objectContaining({ code });

describe('reads', () => {
  test('are those of the platform: values, statuses, freshness', async () => {
    const entities = [{ shop: 'é1' }, { shop: 's2' }, { shop: 'nobody' }];
    const expected = await on.platform.serving.read({ features: FEATURES, entities, at: T + 10 });
    const answer = await client.view(totals, entities, { at: T + 10 });
    expect(answer.rows.map((row) => Object.values(row))).toEqual(expected.values);
    expect(answer.status).toEqual(expected.status);
    expect(answer.views).toEqual(
      expected.views.map((view) => ({ ...view, completeThrough: expect.any(Number) })),
    );
    expect(answer.at).toBe(T + 10);
    expect(answer.rows[0]).toMatchObject({
      events: 2,
      last_item: '',
      last_big: true,
      last_tags: ['a', ''],
    });
    expect(answer.status[2]).toContain('not-found');
  });

  test('of a service, of some features, in the past', async () => {
    expect((await client.service(model, [{ shop: 'é1' }])).rows).toEqual(
      [{ events: 2, mean: 2.5 }].map((row) => expect.objectContaining(row)),
    );
    expect(
      (await client.view(totals, [{ shop: 'é1' }], { features: ['events'], at: T })).rows,
    ).toEqual([{ events: 1 }]);
    expect(
      (await client.features(['totals:events'], [{ shop: 's2' }], { known: 1000, at: T })).rows,
    ).toEqual([{ 'totals:events': null }].map(() => expect.anything()));
  });

  test('of single entities that are asked for together are one request', async () => {
    const requests: number[] = [];
    const counted = await createGrpcGateway({
      modules: grpcModules(),
      platform: {
        ...on.platform,
        serving: {
          ...on.platform.serving,
          async read(request) {
            requests.push(request.entities.length);
            return on.platform.serving.read(request);
          },
        },
      },
      port: 0,
    });
    const own = connect({ address: counted.address, batch: 3 });
    const rows = await Promise.all(
      ['é1', 's2', 'é1', 's2'].map((name) => own.row(totals, { shop: name })),
    );
    expect(rows.map(({ events }) => events)).toEqual([2, 1, 2, 1]);
    expect(requests).toEqual([3, 1]);
    own.close();
    await counted.close();
  });

  test('what is wrong is refused with its code, its details and a status of its kind', async () => {
    await expect(client.features(['totals:nothing'], [{ shop: 'é1' }])).rejects.toEqual(
      refused('MR_NOT_FOUND'),
    );
    await expect(client.features([], [{ shop: 'é1' }])).rejects.toEqual(refused('MR_BODY_INVALID'));
    await expect(client.view(totals, [{ wrong: 1 }])).rejects.toEqual(refused('MR_ENTITY_INVALID'));
    const many = Array.from({ length: 51 }, () => ({ shop: 'é1' }));
    await expect(client.view(totals, many)).rejects.toMatchObject({
      code: 'MR_QUERY_TOO_LARGE',
      details: { limit: 50, entities: 51 },
    });
    const error = await new Promise<ServiceError>((resolve) =>
      bare.Read({ features: ['totals:é'] }, (e) => resolve(e as ServiceError)),
    );
    expect(error.code).toBe(status.NOT_FOUND);
    expect(error.metadata.get('millrace-code')).toEqual(['MR_NOT_FOUND']);
  });

  test('`after` waits no longer than the call’s deadline', async () => {
    const { position } = await client.publish(sales, [{ t: T + 3, shop: 's3' }]);
    const ahead = position.replace(/\d+$/, (n) => String(Number(n) + 100));
    const began = Date.now();
    await expect(
      client.view(totals, [{ shop: 's3' }], { after: ahead, deadlineMs: 300 }),
    ).rejects.toThrow();
    expect(Date.now() - began).toBeLessThan(20_000);
  });
});

test('a stream answers in order, and one refusal ends nothing', async () => {
  const stream = bare.ReadStream();
  const answers: ReadResponse__Output[] = [];
  const done = new Promise<void>((resolve, reject) => {
    stream.on('data', (answer: ReadResponse__Output) => answers.push(answer));
    stream.on('end', () => resolve());
    stream.on('error', reject);
  });
  const names = Array.from({ length: 200 }, (_, i) =>
    i % 7 === 3 ? 'nothing' : i % 2 === 0 ? 'é1' : 's2',
  );
  for (const name of names) {
    const request: ReadRequest = {
      features: [name === 'nothing' ? 'totals:nothing' : 'totals:events'],
      entities: [structOf({ shop: name })],
    };
    stream.write(request);
  }
  stream.end();
  await done;
  expect(answers.map(({ error, rows }) => error?.code ?? plainOf(rows[0]?.values[0]))).toEqual(
    names.map((name) => (name === 'nothing' ? 'MR_NOT_FOUND' : name === 'é1' ? 2 : 1)),
  );
});

describe('publishing', () => {
  test('rejected events are listed, the others are in', async () => {
    const answer = await client.publish(sales, [
      { t: T, shop: 'r1' },
      { t: T, shop: 'r1', amount: 'x' as unknown as number },
    ]);
    expect(answer).toMatchObject({
      accepted: 1,
      duplicates: 0,
      rejected: [{ index: 1, field: 'amount', code: 'MR_FIELD_TYPE' }],
    });
    await expect(client.publish({ ...sales, name: 'nobody' }, [])).rejects.toEqual(
      refused('MR_UNKNOWN_SOURCE'),
    );
    const many = Array.from({ length: 21 }, () => ({ t: T, shop: 'r1' }));
    await expect(client.publish(sales, many)).rejects.toEqual(refused('MR_BATCH_TOO_LARGE'));
  });

  test('a producer goes on after a server that was away, and counts nothing twice', async () => {
    let lost = 0;
    const flaky = await createGrpcGateway({
      modules: grpcModules(),
      platform: {
        ...on.platform,
        publishing: {
          ...on.platform.publishing,
          async publish(request, by) {
            const result = await on.platform.publishing.publish(request, by);
            // The answer is lost after the events are in.
            if (lost++ % 2 === 0) throw unavailable();
            return result;
          },
        },
      },
      port: 0,
    });
    const own = connect({ address: flaky.address, retry: { firstMs: 1, mostMs: 5 } });
    const producer = own.producer(sales, 'till-1');
    const answers = await Promise.all(
      [1, 2, 3].map((n) =>
        producer.publish([
          { t: T + n, shop: 'p1' },
          { t: T + n, shop: 'p1' },
        ]),
      ),
    );
    expect(answers.map(({ duplicates }) => duplicates)).toEqual([2, 2, 2]);
    const again = own.producer(sales, 'till-1');
    const { position } = await again.publish([{ t: T + 9, shop: 'p1' }]);
    expect((await client.view(totals, [{ shop: 'p1' }], { after: position })).rows[0]?.events).toBe(
      7,
    );
    own.close();
    await flaky.close();
  });

  test('no server: said so, with its address, after the tries', async () => {
    const own = connect({
      address: '127.0.0.1:1',
      retry: { tries: 2, firstMs: 1 },
      deadlineMs: 2000,
    });
    await expect(own.view(totals, [])).rejects.toMatchObject({
      message: expect.stringContaining('127.0.0.1:1'),
    });
    own.close();
  });
});

const unavailable = (): Error => new MillraceError('MR_UNAVAILABLE', 'the answer is lost');

test('health and reflection tell what is served', async () => {
  const health = new (makeGenericClientConstructor(
    serviceOf(loadHealth(), 'grpc.health.v1.Health'),
    'h',
  ))(gateway.address, credentials.createInsecure()) as unknown as {
    check: (
      request: object,
      callback: (error: unknown, answer: { status: string }) => void,
    ) => void;
    close: () => void;
  };
  const check = (service: string): Promise<string> =>
    new Promise((resolve) =>
      health.check({ service }, (error, answer) =>
        resolve(error === null ? answer.status : String(error)),
      ),
    );
  expect(await check('')).toBe('SERVING');
  expect(await check('millrace.v1.Features')).toBe('SERVING');
  expect(await check('feast.serving.ServingService')).toBe('SERVING');
  expect(await check('nothing')).toContain('NOT_FOUND');
  health.close();

  const reflection = loadPackageDefinition(
    loadSync(
      join(
        import.meta.dirname,
        '../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto',
      ),
    ),
  ) as unknown as {
    grpc: {
      reflection: {
        v1: { ServerReflection: new (address: string, c: unknown) => ReflectionClient };
      };
    };
  };
  const asking = new reflection.grpc.reflection.v1.ServerReflection(
    gateway.address,
    credentials.createInsecure(),
  );
  const stream = asking.ServerReflectionInfo();
  const listed = new Promise<readonly string[]>((resolve) =>
    stream.on('data', (answer) =>
      resolve(answer.listServicesResponse.service.map(({ name }) => name)),
    ),
  );
  stream.write({ listServices: '' });
  expect(await listed).toEqual(
    expect.arrayContaining([
      'millrace.v1.Features',
      'millrace.v1.Events',
      'feast.serving.ServingService',
      'GrpcFeatureServer',
      'grpc.health.v1.Health',
    ]),
  );
  const ended = new Promise<void>((resolve) => stream.on('end', () => resolve()));
  stream.end();
  await ended;
  asking.close();
});

interface ReflectionClient {
  readonly ServerReflectionInfo: () => {
    readonly on: (
      event: 'data' | 'end',
      listener: (answer: { listServicesResponse: { service: { name: string }[] } }) => void,
    ) => void;
    readonly write: (request: object) => void;
    readonly end: () => void;
  };
  readonly close: () => void;
}

const loadHealth = () =>
  loadSync(
    join(import.meta.dirname, '../../node_modules/grpc-health-check/proto/health/v1/health.proto'),
    { enums: String },
  );

test('what is written by hand is what the proto reads, of any values and lengths', () => {
  const { responseDeserialize } = serviceOf(nativeProtos, 'millrace.v1.Features')
    .Read as unknown as {
    responseDeserialize: (bytes: Buffer) => ReadResponse__Output;
  };
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary', maxLength: 300 }).map((text) => text.toWellFormed()),
    fc.array(fc.oneof(fc.double({ noNaN: true }), fc.string()), { maxLength: 60 }),
  );
  const statuses = fc.constantFrom('present', 'null', 'not-found', 'expired', 'overflow');
  const time = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
  fc.assert(
    fc.property(
      fc.nat({ max: 6 }).chain((width) =>
        fc.record({
          features: fc.array(fc.string({ minLength: 1, maxLength: 200 }), {
            minLength: width,
            maxLength: width,
          }),
          rows: fc.array(
            fc.record({
              values: fc.array(value, { minLength: width, maxLength: width }),
              status: fc.array(statuses, { minLength: width, maxLength: width }),
            }),
            { maxLength: 20 },
          ),
          at: time,
          eventTime: fc.option(time),
          completeThrough: fc.option(time),
          degraded: fc.option(fc.subarray([...DEGRADED_MODES]), { nil: undefined }),
          position: fc.string(),
        }),
      ),
      ({ features, rows, at, eventTime, completeThrough, degraded, position }) => {
        const view = {
          view: 'v',
          version: 300,
          generation: 0,
          eventTime,
          position,
          completeThrough,
        };
        const bytes = encodeReadResponse({
          features,
          values: rows.map(({ values }) => values),
          status: rows.map(({ status: all }) => all),
          views: [view],
          entities: [],
          at,
          known: at,
          degraded,
        } as unknown as ReadResult);
        const read = responseDeserialize(bytes);
        expect(read.features).toEqual(features);
        expect(read.rows.map(({ values }) => values.map(plainOf))).toEqual(
          rows.map(({ values }) => values),
        );
        const names = ['PRESENT', 'NULL', 'NOT_FOUND', 'EXPIRED', 'OVERFLOW'];
        const words = ['present', 'null', 'not-found', 'expired', 'overflow'];
        expect(read.rows.map(({ statuses: all }) => [...all])).toEqual(
          rows.map(({ status: all }) =>
            all.every((one) => one === 'present')
              ? []
              : all.map((one) => names[words.indexOf(one)]),
          ),
        );
        expect(read.at).toBe(at);
        expect(read.views[0]).toMatchObject({ view: 'v', version: 300, generation: 0, position });
        expect(read.views[0]?._eventTime === undefined ? null : read.views[0]?.eventTime).toBe(
          eventTime,
        );
        expect(
          read.views[0]?._completeThrough === undefined ? null : read.views[0]?.completeThrough,
        ).toBe(completeThrough);
        expect(read.degraded).toEqual(degraded ?? []);
      },
    ),
  );
  const refusal = responseDeserialize(
    encodeReadResponse({
      error: { code: 'C', message: '', details: { a: [1, { b: 'é' }], c: null } },
    }),
  );
  expect(refusal.error?.code).toBe('C');
  expect(plainOf({ structValue: refusal.error?.details as never, kind: 'structValue' })).toEqual({
    a: [1, { b: 'é' }],
    c: null,
  });
});

test('an encoded answer is there until the next one is encoded', () => {
  const answer = (value: number): ReadResult =>
    ({
      features: ['f'],
      values: [[value]],
      status: [['present']],
      views: [],
      entities: [],
      at: 1,
      known: 1,
    }) as unknown as ReadResult;
  const first = encodeReadResponse(answer(1));
  const kept = Buffer.from(first);
  const second = encodeReadResponse(answer(2));
  expect(second.equals(kept)).toBe(false);
  expect(first.equals(second)).toBe(true);
});

test('the generated types are those of the proto', () => {
  const made = mkdtempSync(join(tmpdir(), 'millrace-types-'));
  generateTypes(made);
  const files = (folder: string): readonly (readonly [string, string])[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [relative(folder, file), readFileSync(file, 'utf8')] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
  expect(files(made)).toEqual(files(GENERATED));
  rmSync(made, { recursive: true });
});

test('closing lets calls in flight end', async () => {
  let begun = (): void => {};
  const reading = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const own = await createGrpcGateway({
    modules: grpcModules(),
    platform: {
      ...on.platform,
      serving: {
        ...on.platform.serving,
        async read(request) {
          begun();
          await sleep(200);
          return on.platform.serving.read(request);
        },
      },
    },
    port: 0,
  });
  const asking = connect({ address: own.address });
  const slow = asking.view(totals, [{ shop: 'é1' }]);
  await reading;
  await Promise.all([own.close(), expect(slow).resolves.toMatchObject({ rows: [{ events: 2 }] })]);
  asking.close();
});
