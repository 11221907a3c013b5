/**
 * A platform that answers from memory, for tests of what the gateways do themselves: formats,
 * limits, errors. It computes nothing.
 */
import type { Areas, Platform } from '#domain/api/platform.ts';
import type { CatalogEntry } from '#domain/api/registry.ts';
import { fail } from '#domain/errors.ts';
import { fakeApprovals } from './fake/approvals.ts';
import { fakeDatasets } from './fake/datasets.ts';
import { fakeErasures } from './fake/erasures.ts';
import { fakeAudit, fakeKeys, fakeOperations } from './fake/operations.ts';
import { fakePublishing } from './fake/publishing.ts';
import { fakeRegistry } from './fake/registry.ts';
import { fakeReplays } from './fake/replays.ts';
import { DEFINITIONS, entryOf } from './fake/samples.ts';
import { fakeServing } from './fake/serving.ts';
import { fakeSql } from './fake/sql.ts';
import type { FakeControls, FakeState } from './fake/state.ts';
import { fakeTables } from './fake/tables.ts';

export interface FakePlatform extends Platform, FakeControls {}

export const createFakePlatform = (): FakePlatform => {
  const catalog = new Map<string, CatalogEntry>(
    DEFINITIONS.map((definition) => [`${definition.kind}/${definition.name}`, entryOf(definition)]),
  );
  const fake: FakeControls = {
    calls: [],
    taken: [],
    producers: new Map(),
    hold: null,
    isReady: true,
    modes: [],
    failures: [],
  };
  const state: FakeState = {
    fake,
    catalog,
    position: () => `raw.flights@0:${fake.taken.length}`,
    of: (kind, name) =>
      catalog.get(`${kind}/${name}`) ??
      fail('MR_NOT_FOUND', `there is no ${kind} "${name}"`, { kind, name }),
    log: (method, ...args) => void fake.calls.push({ method, args }),
  };
  const areas: Areas = {
    publishing: fakePublishing(state),
    serving: fakeServing(state),
    registry: fakeRegistry(state),
    datasets: fakeDatasets(state),
    sql: fakeSql(state),
    replays: fakeReplays(state),
    audit: fakeAudit(state),
    approvals: fakeApprovals(state),
    erasures: fakeErasures(state),
    keys: fakeKeys(),
    operations: fakeOperations(state),
    tables: fakeTables(),
  };
  return Object.assign(fake, {
    ...areas,
    access: () => fail('MR_INTERNAL', 'the fake has no guard'),
    async close() {},
  } satisfies Platform);
};
