/**
 * The promise: after an erasure of the stack no server and no file has a byte of the entity, and
 * all that is known about the others is answered as before, also after a replay. An erasure that is
 * killed is finished by the next one, and no gateway starts before.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { eraseStack } from '#infra/profiles/stack-erase.ts';
import { verifyStackErasure } from '#infra/profiles/stack-erase-verify.ts';
import { verifyStack } from '#infra/profiles/stack-verify.ts';
import { addresses } from '../support/addresses.ts';
import { caller, computed, type StackPlatform, stackPlatform, until } from '../support/platform.ts';
import { takeOverStores } from '../support/take-over-stores.ts';
import {
  definitions,
  ERASED,
  HOUR,
  PEOPLE,
  recentOfOthers,
  valuesOf,
  visit,
  visitsBetween,
  wantedValues,
} from './people.ts';

const EVENTS = 300;
const root = mkdtempSync(join(tmpdir(), 'millrace-stack-erase-'));
const dataDirectory = join(root, 'gateway');
const events = visitsBetween(0, EVENTS);
const entity = { person: ERASED };
const servers = () => addresses();
const options = {
  directory: servers().directory,
  basePort: Number(process.env.MILLRACE_STACK_BASE_PORT),
  reason: 'request 77',
  dataDirectories: [dataDirectory],
  settings: { archiveEveryMs: 1_000 },
};
let open: StackPlatform[] = [];

const gateway = async (projections = true): Promise<Platform> => {
  const one = await stackPlatform({ addresses: servers(), dataDirectory, projections });
  open.push(one);
  return one.platform;
};
const close = async (): Promise<void> => {
  for (const one of open.splice(0)) await one.dispose();
};

const traces = async (whom = entity) =>
  (
    await verifyStackErasure({
      addresses: servers(),
      entity: whom,
      dataDirectories: [dataDirectory],
    })
  ).traces;

const settled = async (platform: Platform): Promise<void> => {
  for (const view of ['spending', 'popular'])
    await computed(view, () => platform.operations.status());
  await until('the history has all', async () =>
    (await platform.operations.status()).sources
      .filter(({ source }) => source === 'visits')
      .every(
        ({ position, historyPosition, events: n }) =>
          n > 0 && historyPosition !== '' && position !== '',
      ),
  );
};

beforeAll(async () => {
  await takeOverStores(servers().mysql.database);
  const first = await gateway();
  const second = await gateway(false);
  await first.registry.apply(definitions, {}, caller);
  await until('the second gateway knows the source', async () =>
    second.publishing.producerSequence('visits', 'x').then(
      () => true,
      () => false,
    ),
  );
  for (let i = 0; i < EVENTS; i += 50) {
    const batch = events.slice(i, i + 50).map((event) => ({ ...event }));
    const { rejected } = await ((i / 50) % 2 === 0 ? first : second).publishing.publish(
      { source: 'visits', events: batch },
      caller,
    );
    expect(rejected).toEqual([]);
  }
  const letter = { person: ERASED, at: visit(0).at, text: 'hello' };
  await first.publishing.publish({ source: 'letters', events: [letter] }, caller);
  const wrong = [{ ...visit(0), cost: `of ${ERASED}` }, { who: 'person-1aa' }];
  await first.publishing.publish({ source: 'visits', events: wrong }, caller);
  for (const person of PEOPLE)
    await first.serving.read({ service: 'offers', entities: [{ person }] }, caller);
  const spine = { rows: [{ person: ERASED, event_timestamp: Date.now() }] };
  const set = { target: { view: 'spending' }, spine, mode: 'event-time' } as const;
  let status = await first.datasets.start(set, caller);
  await until('the data set is made', async () => {
    status = await first.datasets.get(status.id);
    return status.state !== 'running';
  });
  expect(status.error).toBeNull();
  await settled(first);
}, 600_000);

afterAll(async () => {
  await close();
  rmSync(root, { recursive: true, force: true });
});

test('nothing of the entity remains, and the others are as before', {
  timeout: 600_000,
}, async () => {
  const [{ platform } = { platform: null }] = open;
  const running = platform as Platform;
  const at = visit(EVENTS - 50).at + HOUR;
  const known = Date.now();
  expect(await valuesOf(running)).toEqual(wantedValues(events, []));
  const before = { recent: await recentOfOthers(running, at) };
  const found = await traces();
  for (const store of [
    'kafka',
    'warehouse/iceberg',
    'warehouse/paimon',
    'flink/checkpoints',
    'datasets',
  ])
    expect(found.map(({ where }) => where).join('\n')).toContain(store);
  expect(found).toContainEqual({ where: 'Redis', what: expect.any(String) });
  await close();

  const steps: string[] = [];
  const certificate = await eraseStack({
    ...options,
    entity,
    onProgress: (what) => {
      if (steps.at(-1) !== what) console.log(new Date().toISOString(), what);
      steps.push(what);
    },
  });
  console.log(JSON.stringify(certificate, null, 1));
  expect(JSON.stringify(certificate)).not.toContain(ERASED);
  expect(await traces()).toEqual([]);
  expect(certificate.removed.records).toMatchObject({
    'raw.visits': events.filter(({ who }) => who === ERASED).length,
    'raw.letters': 1,
    'rejected.visits': 1,
    'served.offers': 1,
  });
  expect(certificate.contained.answers).toHaveLength(1);
  expect(certificate.contained.dataSets).toHaveLength(1);
  expect(certificate.recomputed).toEqual([{ view: 'popular', generation: 2 }]);

  const again = await gateway();
  expect(await valuesOf(again)).toEqual(wantedValues(events, [ERASED]));
  expect(await valuesOf(again, { at })).toEqual(wantedValues(events, [ERASED], at));
  expect(await valuesOf(again, { at, known })).toEqual(wantedValues(events, [ERASED], at));
  expect(await recentOfOthers(again, at)).toEqual(before.recent);
  await settled(again);
  expect(await valuesOf(again), 'from tiles').toEqual(wantedValues(events, [ERASED]));
  expect((await verifyStack({ addresses: servers(), deep: true })).damage).toEqual([]);
});
