/** The command line where something waits for approval, against a fake platform. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fail } from '#domain/errors.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { runInProcess } from '#tests/support/cli.ts';
import { createFakePlatform, type FakePlatform } from '#tests/support/fake-platform.ts';

let platform: FakePlatform;
let gateway: HttpGateway;
beforeEach(async () => {
  platform = createFakePlatform();
  const keys = {
    ...platform.keys,
    create: async () =>
      fail('MR_APPROVAL_REQUIRED', 'a grant needs it: proposed as p1', {
        proposal: 'p1',
        key: 'mr_1_secret',
      }),
  };
  gateway = await createHttpGateway({
    modules: httpModules(),
    platform: { ...platform, keys },
    port: 0,
  });
});
afterEach(() => gateway.close());

const run = (...args: readonly string[]) =>
  runInProcess(args, { MILLRACE_URL: gateway.url, MILLRACE_ACTOR: 'Zoë' });

test('what is proposed exits 3 and names the proposal; with --json as one line', async () => {
  const nothing = ['approvals', 'require', 'payments', '--for', 'nothing'];
  expect(await run(...nothing)).toEqual({
    status: 3,
    out: '',
    err: expect.stringMatching(/^error MR_APPROVAL_REQUIRED: proposed as p1\n/),
  });
  const { status, err } = await run('--json', ...nothing);
  expect([status, JSON.parse(err)]).toMatchObject([3, { details: { proposal: 'p1' } }]);
});

test('the key that is proposed is on stdout, this once, and not in the message', async () => {
  const { status, out, err } = await run('keys', 'create', 'new', '--grant', 'reader@payments');
  expect([status, out]).toEqual([3, 'mr_1_secret\n']);
  expect(err).toContain('works once the proposal is approved');
  expect(err).not.toContain('secret');
});

test('requiring sends all that is named, and refuses what there is not', async () => {
  const { status, out } = await run('approvals', 'require', '*', '--for', 'breaking,grants');
  expect([status, out]).toEqual([0, 'every namespace needs approval for breaking, grants\n']);
  expect(platform.calls.at(-1)).toEqual({
    method: 'require',
    args: [{ namespace: '*', for: ['breaking', 'grants'] }],
  });
  expect((await run('approvals', 'require', 'payments', '--for', 'reads')).status).toBe(2);
});

test('proposals are listed, shown with their plan, approved and refused', async () => {
  const list = await run('approvals', 'list');
  expect(list.err).toBe('namespace flights needs approval for breaking, promotions\n');
  expect(list.out).toMatch(/p1 .*promotions .*flights .*open .*ann \(access-key\/a\)/);
  expect(JSON.parse((await run('--json', 'approvals', 'list')).out)).toMatchObject({ id: 'p1' });
  const { out } = await run('approvals', 'show', 'p1');
  expect(out).toContain('generation 2 (version 2) answers instead of generation 1 (version 1)');
  expect((await run('approvals', 'approve', 'p1')).out).toBe(
    'proposal p1 is approved and carried out\n',
  );
  expect((await run('approvals', 'refuse', 'p1', '--reason', 'no')).out).toBe(
    'proposal p1 is refused\n',
  );
  expect((await run('approvals', 'refuse', 'p1')).status, 'without a reason').toBe(2);
  expect((await run('approvals', 'show', 'p2')).status).toBe(1);
});
