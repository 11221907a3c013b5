/** What a request and an approval do when another process, or a failure, comes between. */
import { expect, test } from 'vitest';
import { createCommandBus } from '#commands/command-bus.ts';
import type { Caller } from '#domain/api/caller.ts';
import type { CommandRequest, CommandResult } from '#domain/api/registry.ts';
import { requirementStream } from '#domain/approval/requirements.ts';
import { MillraceError } from '#domain/errors.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import { streamTasks } from '#infra/embedded-engine/stream-tasks.ts';
import { hybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { sqliteLog } from '#infra/sqlite/log.ts';
import { createApprovalIndex } from '#projections/approvals/approval-index.ts';
import { openCatalog } from '#projections/catalog/catalog.ts';
import { createKeyIndex } from '#projections/keys/key-index.ts';
import { interruptedStore } from '#tests/support/interrupted-store.ts';
import { createApprovals } from './approvals.ts';
import { createProposals } from './proposals.ts';

const person = (id: string): Caller => ({
  actor: 'ann',
  principal: { id: `access-key/${id}`, actor: 'ann', grants: [], limits: {} },
});
const [ann, bob] = [person('a'), person('b')];
const grant = { role: 'reader', namespace: 'payments' } as const;
const wish = { name: 'new', hash: 'h', grants: [grant], limits: {}, expiresAt: null };

const opened = async (wrap: (store: EventStore) => EventStore = (store) => store) => {
  const database = openDatabase(':memory:');
  sqliteLog(database, hybridClock(), streamTasks);
  const plain = sqliteEventStore(database);
  const [eventStore, index, keys] = [wrap(plain), createApprovalIndex(), createKeyIndex()];
  const catalog = await openCatalog(eventStore, [index.take, keys.take]);
  let [time, ids] = [0, 0];
  const [now, newId] = [() => ++time, () => `p${++ids}`];
  const { requirements } = index;
  const bus = createCommandBus({ eventStore, catalog, requirements, now, newId });
  const proposals = createProposals({ bus, catalog, index, now });
  const sent: Caller[] = [];
  let outage: Error | null = null;
  const command = async (_: CommandRequest, caller: Caller): Promise<CommandResult> => {
    sent.push(caller);
    if (outage !== null) throw outage;
    return { events: [], position: '' };
  };
  const registry = { command, apply: () => Promise.reject(new Error('not used')) };
  const approvals = createApprovals({
    bus,
    catalog,
    index,
    keys,
    proposals,
    erasures: { plan: () => null, begin: async () => {}, forgetRefused: () => {} },
    registry,
    now,
  });
  /** As another process would. */
  const requireElsewhere = () =>
    plain.append(
      {
        stream: requirementStream('payments'),
        command: {
          id: 'x',
          type: 'RequireApproval',
          data: {},
          actor: 'eve',
          reason: null,
          time: 1,
        },
        events: [
          {
            type: 'ApprovalRequirementSet',
            data: { namespace: 'payments', for: ['grants'], at: 1 },
          },
        ],
        refusal: null,
      },
      null,
    );
  return {
    bus,
    approvals,
    proposals,
    sent,
    keys,
    requireElsewhere,
    fail: (error: Error | null) => {
      outage = error;
    },
  };
};

test('a requirement that another process sets while a key is decided holds', async () => {
  const { wrap, interrupt } = interruptedStore();
  const { bus, requireElsewhere, keys } = await opened(wrap);
  interrupt(requireElsewhere);
  await expect(
    bus.key({ type: 'CreateKey', id: 'k', ...wish }, { caller: ann }),
  ).rejects.toMatchObject({ code: 'MR_APPROVAL_REQUIRED' });
  expect(keys.all()).toEqual([]);
});

const proposed = async (
  { proposals }: Pick<Awaited<ReturnType<typeof opened>>, 'proposals'>,
  name = 'charges',
) => {
  const data = { kind: 'source', name };
  const required = new MillraceError('MR_APPROVAL_REQUIRED', 'needed', {
    matter: 'breaking',
    namespaces: ['payments'],
  });
  const error: MillraceError = await proposals
    .orPropose(
      () => Promise.reject(required),
      () => ({ type: 'command', command: { type: 'Retire', data } }),
      { caller: ann },
    )
    .then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
  if (error.code !== required.code) throw error;
  return error.details.proposal as string;
};

test('an outage leaves a proposal approved, and approving it again carries it out', async () => {
  const on = await opened();
  const id = await proposed(on);
  on.fail(new MillraceError('MR_STORAGE_FAILED', 'the disk is gone'));
  await expect(on.approvals.approve(id, {}, bob)).rejects.toMatchObject({
    code: 'MR_STORAGE_FAILED',
  });
  expect((await on.approvals.get(id)).status).toBe('approved');
  on.fail(null);
  await expect(on.approvals.approve(id, {}, ann)).rejects.toMatchObject({ code: 'MR_FORBIDDEN' });
  expect((await on.approvals.approve(id, {}, bob)).status).toBe('done');
  expect(on.sent.map(({ principal, approval }) => [principal?.id, approval])).toEqual([
    ['access-key/a', id],
    ['access-key/a', id],
  ]);
});

test('what is refused when it is carried out has failed, and who approved it gets the reason', async () => {
  const on = await opened();
  const id = await proposed(on);
  on.fail(new MillraceError('MR_REFUSED', 'it is used'));
  await expect(on.approvals.approve(id, {}, bob)).rejects.toMatchObject({ code: 'MR_REFUSED' });
  expect(await on.approvals.get(id)).toMatchObject({
    status: 'failed',
    error: { code: 'MR_REFUSED', message: 'it is used' },
  });
});

test('a principal has at most 100 proposals waiting, and they expire after a week', async () => {
  const on = await opened();
  const id = await proposed(on);
  expect(await proposed(on)).toBe(id);
  const { at, expiresAt } = await on.approvals.get(id);
  expect(expiresAt - at).toBe(7 * 24 * 3_600_000);
  for (let n = 1; n < 100; n++) await proposed(on, `charges_${n}`);
  await expect(proposed(on, 'one_more')).rejects.toMatchObject({ code: 'MR_REFUSED' });
  await on.approvals.refuse(id, { reason: 'not now' }, ann);
  await proposed(on, 'one_more');
});
