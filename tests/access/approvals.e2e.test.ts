/**
 * Approval by a second person, over HTTP: what needs it does not happen without it, by whichever
 * way, and what is carried out is what was reviewed.
 */
import { featureView, sum } from 'millrace';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ApprovalList, Proposal } from '#domain/api/approvals.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { col } from '#domain/expressions/build.ts';
import { plain } from '#tests/support/platform.ts';
import {
  card,
  charges,
  founder,
  type Guarded,
  guarded,
  scoring,
  spending,
} from './support/fixture.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let on: Guarded;
interface Keys {
  readonly ann: string;
  readonly bob: string;
  readonly admin: string;
  readonly second: string;
}
let keys: Keys;
const annsKey = { id: '' };

beforeEach(async () => {
  on = await guarded({ failuresAtOnce: 10_000 });
  const key = async (name: string, ...grants: string[]) => on.key(grants, { name });
  const ann = await key('ann', 'author@payments', 'operator@payments');
  annsKey.id = ann.id;
  keys = {
    ann: ann.header,
    // The same name: principals count, not names.
    bob: (await key('ann', 'author@payments', 'operator@payments')).header,
    admin: (await key('root', 'admin@*')).header,
    second: (await key('root', 'admin@*')).header,
  };
});
afterEach(() => on.dispose());

interface Answer {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly message?: string;
    readonly details?: { readonly proposal?: string; readonly key?: string };
  };
}
const post = (path: string, key: string, body?: unknown): Promise<Answer> =>
  on.call('POST', path, key, body) as Promise<Answer>;
const get = async <T>(path: string, key: string): Promise<T> =>
  (await on.call('GET', path, key)).body as T;

const require = (matters: readonly string[], namespace = 'payments', key = keys.admin) =>
  post('/v1/approvals/require', key, { namespace, for: matters });
const proposed = ({ status, body }: Answer): string => {
  expect([status, body.code]).toEqual([202, 'MR_APPROVAL_REQUIRED']);
  return body.details?.proposal as string;
};
const approve = (id: string, key: string) => post(`/v1/approvals/${id}/approve`, key);
const list = (key: string) => get<ApprovalList>('/v1/approvals', key);
const outcome = ({ status, body: { code } }: Answer) => [status, code];

const version = (kind: 'feature-view' | 'feature-service', name: string) =>
  on.platform.registry.show(kind, name).then((entry) => [entry.version, entry.status]);

/** Without the count, which the service reads. */
const narrowed = featureView({
  namespace: 'payments',
  name: 'spending',
  entity: card,
  source: charges,
  features: { spent: sum(col('amount')) },
});
const narrower = plain(narrowed);
const apply = (definitions: readonly Definition[], key: string, more = {}) =>
  post('/v1/apply', key, { definitions, force: true, reason: 'smaller', ...more });

describe('a breaking change', () => {
  test('waits for another principal with the role, who is shown its plan', async () => {
    await require(['breaking']);
    const id = proposed(await apply(narrower, keys.ann));
    expect(await version('feature-view', 'spending')).toEqual([1, 'active']);
    expect(await list(keys.bob)).toMatchObject({
      requirements: [{ namespace: 'payments', for: ['breaking'] }],
      proposals: [{ id, matter: 'breaking', status: 'open', by: { actor: 'ann' } }],
    });
    const shown = await get<Proposal>(`/v1/approvals/${id}`, keys.bob);
    expect(shown.plan).toMatchObject({
      type: 'changes',
      changes: [{ name: 'spending', action: 'revise', cost: 'breaking' }],
    });

    expect(outcome(await approve(id, keys.ann)), 'oneself').toEqual([403, 'MR_FORBIDDEN']);
    expect(await version('feature-view', 'spending')).toEqual([1, 'active']);
    expect((await approve(id, keys.bob)).status).toBe(200);
    expect(await version('feature-view', 'spending')).toEqual([2, 'active']);
    expect(outcome(await approve(id, keys.bob)), 'once').toEqual([409, 'MR_REFUSED']);

    const { records } = await on.platform.audit.log({ subject: id });
    expect(records.map(({ command, outcome }) => `${command} ${outcome}`)).toEqual([
      'Propose accepted',
      'ApproveProposal refused',
      'ApproveProposal accepted',
      'CompleteProposal accepted',
      'ApproveProposal refused',
    ]);
    const [change] = (await on.platform.audit.log({ subject: 'spending' })).records.slice(-1);
    expect(change).toMatchObject({ principal: `access-key/${annsKey.id}`, reason: 'smaller' });
    expect(await on.platform.audit.verify()).toMatchObject({ ok: true });
  });

  test('the same request again is the same proposal', async () => {
    await require(['breaking']);
    const id = proposed(await apply(narrower, keys.ann));
    expect(proposed(await apply(narrower, keys.ann))).toBe(id);
    expect(proposed(await apply(narrower, keys.bob)), 'of somebody else').not.toBe(id);
  });

  test('is not carried out if the plan is another one by then', async () => {
    await require(['breaking']);
    const id = proposed(await apply(narrower, keys.ann));
    const more = featureView({
      ...spending,
      entity: card,
      source: charges,
      description: 'by card',
    } as never);
    expect((await apply(plain(more), keys.ann)).status).toBe(200);
    expect(outcome(await approve(id, keys.bob))).toEqual([409, 'MR_PLAN_CHANGED']);
    expect(await version('feature-view', 'spending')).toEqual([2, 'active']);
  });

  test('what breaks nothing needs no approval, and other namespaces are as before', async () => {
    await require(['breaking'], 'fraud');
    expect((await apply(narrower, keys.ann)).status).toBe(200);
  });

  test.each([
    [
      'a single command',
      () =>
        post('/v1/commands', keys.ann, {
          type: 'RegisterFeatureView',
          data: narrower[0],
          force: true,
          reason: 'smaller',
        }),
    ],
    [
      'retiring what reads it first',
      () =>
        post('/v1/commands', keys.ann, {
          type: 'Retire',
          data: { kind: 'feature-service', name: 'scoring' },
        }),
    ],
    [
      'an apply with harmless changes before it, which wait too',
      () => {
        const before = { ...narrower[0], name: 'before' } as Definition;
        return apply([before, ...narrower], keys.ann);
      },
    ],
    [
      'apply --prune without what reads it',
      () => apply(plain(card, charges, spending), keys.ann, { prune: true }),
    ],
    [
      'moving it to another namespace first',
      async () => {
        const mover = await on.key(['author@payments', 'author@elsewhere']);
        const moved = { ...plain(scoring)[0], namespace: 'elsewhere' } as Definition;
        return apply([moved], mover.header);
      },
    ],
  ])('has no way around: %s', async (_, send) => {
    await require(['breaking']);
    const before = await on.platform.registry.exported();
    proposed(await send());
    expect(await on.platform.registry.exported()).toEqual(before);
  });

  test('a requirement of all namespaces holds in each', async () => {
    await require(['breaking'], '*');
    proposed(await apply(narrower, keys.ann));
  });
});

describe('a decision', () => {
  test('takes the rights that the request takes, and shows nothing to others', async () => {
    await require(['breaking']);
    const id = proposed(await apply(narrower, keys.ann));
    const auditor = (await on.key(['auditor@payments'])).header;
    const stranger = (await on.key(['admin@fraud'])).header;
    expect((await list(auditor)).proposals).toHaveLength(1);
    expect(outcome(await approve(id, auditor))).toEqual([403, 'MR_FORBIDDEN']);
    expect((await list(stranger)).proposals).toEqual([]);
    expect(outcome(await approve(id, stranger))).toEqual([404, 'MR_NOT_FOUND']);
    const refused = { reason: 'no' };
    expect(outcome(await post(`/v1/approvals/${id}/refuse`, auditor, refused))).toEqual([
      403,
      'MR_FORBIDDEN',
    ]);
    expect(outcome(await post(`/v1/approvals/${id}/refuse`, keys.bob))).toEqual([
      400,
      'MR_REASON_REQUIRED',
    ]);
    expect((await post(`/v1/approvals/${id}/refuse`, keys.bob, refused)).status).toBe(200);
    expect(outcome(await approve(id, keys.bob))).toEqual([409, 'MR_REFUSED']);
    expect(await version('feature-view', 'spending')).toEqual([1, 'active']);
  });

  test('is not possible once the key of who proposed it is revoked', async () => {
    await require(['breaking']);
    const id = proposed(await apply(narrower, keys.ann));
    await on.platform.keys.revoke(annsKey.id, {}, founder);
    expect((await approve(id, keys.bob)).body.message).toMatch(/revoked/);
    expect(await version('feature-view', 'spending')).toEqual([1, 'active']);
  });
});

test('a promotion waits; a rollback does not', async () => {
  await require(['promotions']);
  const started = await post('/v1/replays', keys.ann, { view: 'spending' });
  const { id: replay } = started.body as { id: string };
  await vi.waitFor(async () => expect((await on.platform.replays.get(replay)).state).toBe('ready'));
  const id = proposed(await post(`/v1/replays/${replay}/promote`, keys.ann));
  const command = { type: 'PromoteReplay', data: { view: 'spending', generation: 2 } };
  proposed(await post('/v1/commands', keys.ann, command));
  expect((await on.platform.replays.get(replay)).state).toBe('ready');
  expect((await get<Proposal>(`/v1/approvals/${id}`, keys.bob)).plan).toEqual({
    type: 'promotion',
    view: 'spending',
    generation: 2,
    version: 1,
    live: { generation: 1, version: 1 },
  });
  const author = (await on.key(['author@payments', 'auditor@payments'])).header;
  expect(outcome(await approve(id, author)), 'sees it only').toEqual([403, 'MR_FORBIDDEN']);
  expect((await on.platform.replays.get(replay)).state).toBe('ready');
  expect((await approve(id, keys.bob)).status).toBe(200);
  expect((await on.platform.replays.get(replay)).state).toBe('promoted');
  expect((await post(`/v1/replays/${replay}/rollback`, keys.ann)).status).toBe(200);
});

test('a key works once somebody else has approved it, who never sees it', async () => {
  await require(['grants']);
  const answer = await post('/v1/keys', keys.admin, { name: 'new', grants: ['reader@payments'] });
  const id = proposed(answer);
  const header = `Bearer ${answer.body.details?.key}`;
  expect((await on.call('GET', '/v1/registry', header)).status).toBe(401);
  const everywhere = { name: 'x', grants: ['admin@*'] };
  proposed(await post('/v1/keys', keys.admin, everywhere));
  const elsewhere = { name: 'x', grants: ['reader@fraud'] };
  expect((await post('/v1/keys', keys.admin, elsewhere)).status).toBe(201);

  const shown = await get<Proposal>(`/v1/approvals/${id}`, keys.second);
  expect(shown.request).toMatchObject({ type: 'key', key: { grants: ['reader@payments'] } });
  expect(JSON.stringify(shown)).not.toMatch(/hash|mr_/);
  expect((await approve(id, keys.second)).status).toBe(200);
  expect((await on.call('GET', '/v1/registry', header)).status).toBe(200);
});

test('a key that replaces another is approved with the right to both', async () => {
  const old = await on.key(['reader@payments', 'reader@fraud']);
  const ofPayments = (await on.key(['admin@payments'])).header;
  await require(['grants']);
  const wish = { name: 'x', grants: ['reader@payments'], replaces: old.id };
  const id = proposed(await post('/v1/keys', keys.admin, wish));
  expect(outcome(await approve(id, ofPayments))).toEqual([404, 'MR_NOT_FOUND']);
  expect((await approve(id, keys.second)).status).toBe(200);
  expect((await on.platform.keys.list()).at(-1)).toMatchObject({ replaces: old.id });
});

test('requiring less needs a second person; requiring more does not', async () => {
  await require(['breaking', 'promotions']);
  expect((await require(['breaking', 'promotions', 'grants'])).status).toBe(200);
  const id = proposed(await require([]));
  const swapped = proposed(await require(['grants']));
  expect((await list(keys.admin)).requirements).toEqual([
    { namespace: 'payments', for: ['breaking', 'promotions', 'grants'], validMs: 7 * DAY },
  ]);
  expect(outcome(await approve(id, keys.admin))).toEqual([403, 'MR_FORBIDDEN']);
  expect((await approve(id, keys.second)).status).toBe(200);
  expect((await list(keys.admin)).requirements).toEqual([]);
  expect(outcome(await approve(swapped, keys.second)), 'before is another').toEqual([
    409,
    'MR_PLAN_CHANGED',
  ]);
});

test('the time for an approval is part of the setting; a longer one needs a second person', async () => {
  const requireWithin = (validMs: number, namespace = 'payments', matters = ['breaking']) =>
    post('/v1/approvals/require', keys.admin, { namespace, for: matters, validMs });
  const validOf = async (id: string): Promise<number> => {
    const { proposals } = await list(keys.admin);
    const { at, expiresAt } = proposals.find((one) => one.id === id) ?? { at: 0, expiresAt: 0 };
    return expiresAt - at;
  };
  for (const validMs of [HOUR - 1, 90 * DAY + 1])
    expect(outcome(await requireWithin(validMs))).toEqual([400, 'MR_BODY_INVALID']);
  // Nothing is protected yet.
  expect((await requireWithin(30 * DAY)).status).toBe(200);
  expect((await requireWithin(2 * DAY)).status, 'shorter').toBe(200);
  expect((await require(['breaking', 'grants'])).status, 'unchanged').toBe(200);
  const id = proposed(await apply(narrower, keys.ann));
  expect(await validOf(id)).toBe(2 * DAY);

  const longer = proposed(await requireWithin(3 * DAY, 'payments', ['breaking', 'grants']));
  expect(await validOf(longer)).toBe(2 * DAY);
  expect((await get<Proposal>(`/v1/approvals/${longer}`, keys.second)).plan).toEqual({
    type: 'requirement',
    namespace: 'payments',
    before: ['breaking', 'grants'],
    after: ['breaking', 'grants'],
    validMs: { before: 2 * DAY, after: 3 * DAY },
  });
  expect((await list(keys.admin)).requirements).toMatchObject([{ validMs: 2 * DAY }]);
  expect((await approve(longer, keys.second)).status).toBe(200);
  expect((await list(keys.admin)).requirements).toMatchObject([{ validMs: 3 * DAY }]);

  // Of several settings the shortest counts.
  expect((await requireWithin(HOUR, '*')).status).toBe(200);
  expect(await validOf(proposed(await apply(narrower, keys.bob)))).toBe(HOUR);
});

test('without authentication there is no second person', async () => {
  await expect(
    on.platform.approvals.require({ namespace: 'payments', for: ['breaking'] }, founder),
  ).rejects.toMatchObject({ code: 'MR_REFUSED' });
});

test('a body cannot say that a request is approved', async () => {
  await require(['breaking']);
  const approval = 'x';
  expect((await apply(narrower, keys.ann, { approval })).status).toBe(400);
  expect((await apply(narrower, keys.ann, { caller: { approval } })).status).toBe(400);
});
