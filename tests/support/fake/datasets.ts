/** Data sets, as the fake platform does it. */
import { statSync, writeFileSync } from 'node:fs';
import type { DatasetStatus, Datasets } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import { FEATURES, TIME } from './samples.ts';
import type { FakeState } from './state.ts';

export const fakeDatasets = ({ log }: FakeState): Datasets => {
  const datasets = new Map<string, DatasetStatus>();
  return {
    async start(request, caller) {
      log('startDataset', request, caller);
      const id = `d${datasets.size + 1}`;
      const out = request.out ?? `/tmp/millrace-fake-${process.pid}-${id}.csv`;
      writeFileSync(out, 'origin,event_timestamp,departures\nATL,2026-01-31T12:00:00Z,3\n');
      const status: DatasetStatus = {
        id,
        state: 'done',
        progress: 1,
        stage: 'done',
        rows: 1,
        out,
        mode: request.mode,
        features: FEATURES,
        views: [{ view: 'airport_delays', version: 1, generation: 1 }],
        known: TIME,
        error: null,
        startedAt: TIME,
        finishedAt: TIME,
      };
      datasets.set(id, status);
      return status;
    },
    async get(id) {
      return datasets.get(id) ?? fail('MR_NOT_FOUND', `there is no data set "${id}"`, { id });
    },
    async rerun(reference, request, caller) {
      log('rerunDataset', { reference, ...request }, caller);
      return (
        [...datasets.values()].at(-1) ?? fail('MR_NOT_FOUND', `there is no data set "${reference}"`)
      );
    },
    manifest: async (reference) => fail('MR_NOT_FOUND', `there is no data set "${reference}"`),
    diff: async (first) => fail('MR_NOT_FOUND', `there is no data set "${first}"`),
    diffRows: async (first) => fail('MR_NOT_FOUND', `there is no data set "${first}"`),
    list: async () => [...datasets.values()].reverse(),
    async file(id) {
      const { out, state } =
        datasets.get(id) ?? fail('MR_NOT_FOUND', `there is no data set "${id}"`, { id });
      if (state !== 'done') fail('MR_REFUSED', `data set ${id} is ${state}`, { id, state });
      return { path: out, bytes: statSync(out).size };
    },
    batches: async (id) => fail('MR_NOT_FOUND', `there is no data set "${id}"`),
    ended: async () => undefined,
    async cancel(id) {
      const status: DatasetStatus = {
        ...(datasets.get(id) ?? fail('MR_NOT_FOUND', `there is no data set "${id}"`)),
        state: 'cancelled',
      };
      datasets.set(id, status);
      return status;
    },
    async batch(request) {
      log('batch', request);
      return { rows: 2, out: request.out };
    },
    async rollup(request, caller) {
      log('rollup', request, caller);
      const { view, every, features = ['departures'] } = request;
      return {
        view,
        version: 1,
        generation: 1,
        every,
        from: 0,
        to: 86_400_000,
        features,
        table: `rollup.${view}_v1_${every}`,
        rows: 2,
      };
    },
  };
};
