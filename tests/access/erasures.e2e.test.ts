/**
 * Erasures of a running platform over HTTP: who may, what is answered meanwhile, what the audit log
 * has of them, and the approval of a second person.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Proposal } from '#domain/api/approvals.ts';
import type { AuditRecord } from '#domain/api/audit.ts';
import type { ErasureStatus } from '#domain/api/erasures.ts';
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import { verifyErasure } from '#infra/profiles/embedded-erase-verify.ts';
import { charge, type Guarded, guarded } from './support/fixture.ts';

const CARD = 'card-5d81f0';
const entity = { card: CARD };
const wanted = { entity, reason: 'request 77' };

let on: Guarded;
let keys: Readonly<Record<'ann' | 'bob' | 'admin' | 'reader', string>>;

beforeEach(async () => {
  on = await guarded({ failuresAtOnce: 10_000 });
  const key = async (name: string, grant: string) => (await on.key([grant], { name })).header;
  keys = {
    ann: await key('ann', 'eraser@*'),
    bob: await key('bob', 'eraser@*'),
    admin: await key('root', 'admin@*'),
    reader: await key('reader', 'reader@*'),
  };
  await publish('e1', CARD);
  await publish('e2', 'c2');
});
afterEach(() => on.dispose());

interface Answer {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly message?: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
  readonly headers: Headers;
}
const ask = (method: string, path: string, key: string, body?: unknown): Promise<Answer> =>
  on.call(method, path, key, body) as Promise<Answer>;
const publish = async (id: string, card: string) => {
  const events = [{ ...charge(id), card }];
  const answer = await ask('POST', '/v1/sources/charges/events', keys.admin, { events });
  expect(answer.status).toBe(202);
};
const erase = (key: string, body: unknown = wanted) => ask('POST', '/v1/erasures', key, body);
const spent = async (card: string): Promise<unknown> => {
  const body = { features: ['spending:spent'], entities: [{ card }] };
  const answer = await ask('POST', '/v1/features', keys.reader, body);
  const { rows } = answer.body as { readonly rows?: readonly Record<string, unknown>[] };
  return [answer.status, rows?.[0]?.spent];
};
const kept = (): readonly string[] => {
  const path = join(on.test.directory, 'erasures');
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
};
const ended = async (id: string): Promise<ErasureStatus> => {
  for (;;) {
    const { status, body, headers } = await ask('GET', `/v1/erasures/${id}`, keys.ann);
    if (status === 200 && (body as unknown as ErasureStatus).state !== 'running')
      return body as unknown as ErasureStatus;
    if (status === 503) {
      expect([body.code, headers.get('retry-after')]).toEqual(['MR_MAINTENANCE', '1']);
      expect(JSON.stringify(body)).not.toMatch(/charges|spending|card/);
    }
    await sleep(10);
  }
};
const traces = async () =>
  (await verifyErasure({ dataDirectory: on.test.directory, entity })).traces;

describe('without approval', () => {
  test('the entity is gone, others and the gateways go on', { timeout: 60_000 }, async () => {
    const others = await spent('c2');
    const started = await erase(keys.ann);
    expect(started.status).toBe(201);
    const { id } = started.body as unknown as ErasureStatus;
    const done = await ended(id);
    expect(done).toMatchObject({ state: 'done', entity: null, keyNames: ['card'] });
    expect(await traces()).toEqual([]);
    expect(kept()).toEqual([`${id}.certificate.json`]);
    expect([others, await spent('c2'), await spent(CARD)]).toEqual([
      [200, 2],
      [200, 2],
      [200, null],
    ]);

    const { body } = await ask('GET', `/v1/erasures/${id}/certificate`, keys.bob);
    const { certificate } = body as unknown as SignedCertificate;
    expect(certificate.removed.records).toMatchObject({ 'raw.charges': 1 });
    expect(certificate.entity.digest).toBe(done.digest);

    // All that the gateways hold is of the new platform: publishing, keys, requests' counters.
    await publish('e3', CARD);
    const again = await erase(keys.ann);
    const second = (again.body as unknown as ErasureStatus).id;
    expect(second).not.toBe(id);
    expect(await ended(second)).toMatchObject({ state: 'done' });
    expect(await traces()).toEqual([]);
    const metrics = await fetch(`${on.http.url}/metrics`, {
      headers: { authorization: keys.admin },
    });
    expect(await metrics.text()).toContain('route="GET /v1/erasures/:id"');

    const log = await ask('GET', '/v1/audit', keys.admin);
    const records = (log.body as unknown as { records: readonly AuditRecord[] }).records.filter(
      ({ subject }) => subject === `erasure/${id}`,
    );
    expect(records.map(({ command, actor }) => [command, actor])).toEqual([
      ['EraseEntity', 'ann'],
      ['EndErasure', 'millrace'],
    ]);
    expect(JSON.stringify(records)).not.toContain(CARD);
  });

  test('a reason is needed that does not name the entity, and an entity that can be', async () => {
    const refusals: readonly (readonly [unknown, string])[] = [
      [{ entity, reason: ' ' }, 'MR_REASON_REQUIRED'],
      [{ entity, reason: `of ${CARD}` }, 'MR_BODY_INVALID'],
      [{ entity: { person: 'x' }, reason: 'r' }, 'MR_ENTITY_INVALID'],
    ];
    for (const [body, code] of refusals) expect((await erase(keys.ann, body)).body.code).toBe(code);
    const inOne = (await on.key(['eraser@payments'])).header;
    expect((await erase(inOne)).body.code).toBe('MR_FORBIDDEN');
    expect(kept()).toEqual([]);
    expect(await spent(CARD)).toEqual(await spent('c2'));
  });
});

describe('with approval', () => {
  const proposedBy = async (key: string): Promise<string> => {
    const answer = await erase(key);
    expect([answer.status, answer.body.code]).toEqual([202, 'MR_APPROVAL_REQUIRED']);
    return answer.body.details?.proposal as string;
  };
  beforeEach(async () => {
    const body = { namespace: 'fraud', for: ['erasures'] };
    expect((await ask('POST', '/v1/approvals/require', keys.admin, body)).status).toBe(200);
  });

  test('another eraser is shown what would be removed where, and approves', {
    timeout: 60_000,
  }, async () => {
    const proposal = await proposedBy(keys.ann);
    expect(await proposedBy(keys.ann), 'proposed once').toBe(proposal);
    const shown = (await ask('GET', `/v1/approvals/${proposal}`, keys.bob))
      .body as unknown as Proposal;
    expect(shown).toMatchObject({
      matter: 'erasures',
      namespaces: ['fraud'],
      plan: {
        type: 'erasure',
        keyNames: ['card'],
        found: expect.arrayContaining([{ where: 'log of raw.charges', count: 1 }]),
      },
    });
    expect(JSON.stringify(shown)).not.toContain(CARD);
    const { erasure } = shown.request as { readonly erasure: string };
    const waiting = await ask('GET', `/v1/erasures/${erasure}`, keys.bob);
    expect(waiting.body).toMatchObject({ state: 'waiting', entity });
    expect((await ask('GET', `/v1/approvals/${proposal}`, keys.reader)).status).toBe(403);

    const approve = (key: string) => ask('POST', `/v1/approvals/${proposal}/approve`, key, {});
    expect((await approve(keys.ann)).body.code).toBe('MR_FORBIDDEN');
    // An event that came since is erased, too, and is no other plan.
    await publish('e4', CARD);
    expect(await approve(keys.bob)).toMatchObject({ status: 200, body: { status: 'done' } });
    expect(await ended(erasure)).toMatchObject({ state: 'done', entity: null });
    expect(await traces()).toEqual([]);
    const certificate = await ask('GET', `/v1/erasures/${erasure}/certificate`, keys.ann);
    expect(certificate.body).toMatchObject({
      certificate: { removed: { records: { 'raw.charges': 2 } } },
      signature: null,
    });
  });

  test('a refused one removes nothing, and forgets who it was', async () => {
    const proposal = await proposedBy(keys.ann);
    expect(kept()).toHaveLength(1);
    const refused = await ask('POST', `/v1/approvals/${proposal}/refuse`, keys.bob, {
      reason: 'not that one',
    });
    expect(refused.status).toBe(200);
    expect(kept()).toEqual([]);
    expect(await spent(CARD)).toEqual(await spent('c2'));
    expect((await traces()).map(({ where }) => where)).toContain('the log of raw.charges');
  });

  test('a definition that came since makes another plan', async () => {
    const proposal = await proposedBy(keys.ann);
    const more = {
      kind: 'source',
      name: 'letters',
      namespace: 'payments',
      fields: { card: 'string', at: 'timestamp' },
      eventTime: 'at',
    };
    const applied = await ask('POST', '/v1/apply', keys.admin, { definitions: [more] });
    expect(applied.status).toBe(200);
    const answer = await ask('POST', `/v1/approvals/${proposal}/approve`, keys.bob, {});
    expect(answer.body.code).toBe('MR_PLAN_CHANGED');
    expect(kept()).toHaveLength(1);
  });
});
