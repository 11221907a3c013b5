/** Who may have a data set is decided on the one that was found: the store is asked once. */
import { expect, test } from 'vitest';
import type { CheckDataset, DatasetStatus, Datasets } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import type { Checks } from './checks.ts';
import { authorizeDatasets } from './datasets.ts';

const status = { id: 'ds-1', state: 'done', views: [] } as unknown as DatasetStatus;
const callerOf = (id: string) => ({
  actor: id,
  principal: { id, actor: id, grants: [], limits: {} },
});

const guarded = (from: readonly string[] = []) => {
  const reads: string[] = [];
  const given: string[] = [];
  const found =
    <T>(name: string, answer: T) =>
    async (id: string, _caller: unknown, check?: CheckDataset): Promise<T> => {
      reads.push(id);
      check?.(status, { owner: 'key/ann', from }, id);
      given.push(name);
      return answer;
    };
  const datasets = {
    get: found('get', status),
    file: found('file', { path: '/x', bytes: 1 }),
    cancel: found('cancel', status),
  } as unknown as Datasets;
  const authorize = (_caller: unknown, action: string) =>
    action === 'keys' ? fail('MR_FORBIDDEN', 'not this one') : undefined;
  const area = authorizeDatasets(datasets, { authorize, view: () => [] } as unknown as Checks, () =>
    fail('MR_INTERNAL', 'there is no statement'),
  );
  return { area, reads, given };
};

test('each request of a data set finds it once, and then decides', async () => {
  for (const method of ['get', 'file', 'cancel'] as const) {
    const { area, reads, given } = guarded();
    await area[method]('ds-1', callerOf('key/ann'));
    expect([reads, given], method).toEqual([['ds-1'], [method]]);
    // To whom no grant shows all namespaces, it does not exist.
    await expect(area[method]('ds-1', callerOf('key/bob'))).rejects.toMatchObject({
      code: 'MR_NOT_FOUND',
    });
    expect([reads, given], method).toEqual([['ds-1', 'ds-1'], [method]]);
  }
});
