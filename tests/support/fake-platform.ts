/**
 * A platform that answers from memory, for tests of what the gateways do themselves: formats,
 * limits, errors. It computes nothing.
 */
import { writeFileSync } from 'node:fs';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import type { KeyInfo } from '#domain/api/keys.ts';
import type { Areas, Platform } from '#domain/api/platform.ts';
import type { PublishRequest, RejectedEvent } from '#domain/api/publishing.ts';
import type { CatalogEntry } from '#domain/api/registry.ts';
import type { ReplayStatus } from '#domain/api/replays.ts';
import type { ReadRequest } from '#domain/api/serving.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import type { SkewReport } from '#domain/feature-log/skew.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';

const AIRPORT: Definition = { kind: 'entity', name: 'airport', keys: { origin: 'string' } };
const GATE: Definition = {
  kind: 'entity',
  name: 'gate',
  keys: { airport: 'string', number: 'int' },
};
const FLIGHTS: Definition = {
  kind: 'source',
  name: 'flights',
  fields: {
    flight_id: 'string',
    date: 'timestamp',
    origin: 'string',
    delay: 'double?',
    seats: 'int?',
    cancelled: 'boolean?',
  },
  eventTime: 'date',
};
const feature = { aggregation: 'count', input: null };
const DELAYS: Definition = {
  kind: 'feature-view',
  name: 'airport_delays',
  entity: 'airport',
  source: 'flights',
  features: { departures: feature, delay_avg_1d: feature },
};
const GATES: Definition = {
  kind: 'feature-view',
  name: 'gate_use',
  entity: 'gate',
  source: 'flights',
  features: { uses: feature },
};
const MODEL: Definition = {
  kind: 'feature-service',
  name: 'delay_model',
  features: [{ from: 'view', view: 'airport_delays', features: ['departures', 'delay_avg_1d'] }],
};

const TIME = Date.parse('2026-01-31T12:00:00Z');
const FEATURES = ['departures', 'delay_avg_1d'];

export const SERVED: FeatureLogRow = {
  position: 'served.delay_model@0:0',
  logTime: TIME,
  requestId: 'r-1',
  row: 0,
  rows: 1,
  actor: 'test',
  serviceVersion: 1,
  sample: 1,
  at: TIME,
  known: TIME,
  entity: { origin: 'ATL' },
  request: {},
  views: [
    {
      view: 'airport_delays',
      version: 1,
      generation: 1,
      position: 'raw.flights@0:3',
      completeThrough: TIME,
    },
  ],
  onDemand: [],
  values: { departures: 3, delay_avg_1d: null },
  status: { departures: 'present', delay_avg_1d: 'null' },
};

export const SKEW: SkewReport = {
  service: 'delay_model',
  known: TIME,
  logged: { requests: 2, rows: 2 },
  compared: { requests: 2, rows: 2 },
  incomparable: 0,
  views: [{ view: 'airport_delays', version: 1, generation: 1 }],
  features: [],
  gone: [],
  unexplained: 0,
};

const entryOf = (definition: Definition): CatalogEntry => ({
  kind: definition.kind,
  name: definition.name,
  version: 1,
  status: 'active',
  namespace: 'default',
  owner: null,
  description: null,
  tags: [],
  definition,
  versions: [{ version: 1, registeredAt: TIME, actor: 'test', reason: null }],
  upstream: [],
  downstream: [],
});

export interface FakePlatform extends Platform {
  readonly calls: { readonly method: string; readonly args: readonly unknown[] }[];
  readonly taken: unknown[];
  /** next sequence by producer */
  readonly producers: Map<string, number>;
  /** every read waits for it */
  hold: Promise<void> | null;
  isReady: boolean;
  modes: readonly DegradedMode[];
  /** errors of the next publishes, one each */
  readonly failures: Error[];
}

const replay = (id: string, state: ReplayStatus['state']): ReplayStatus => ({
  id,
  view: 'airport_delays',
  version: 1,
  generation: 2,
  state,
  from: null,
  to: null,
  reason: 'test',
  actor: 'test',
  progress: 1,
  events: 3,
  startedAt: TIME,
  finishedAt: TIME,
  error: null,
});

export const createFakePlatform = (): FakePlatform => {
  const catalog = new Map<string, CatalogEntry>(
    [AIRPORT, GATE, FLIGHTS, DELAYS, GATES, MODEL].map((d) => [`${d.kind}/${d.name}`, entryOf(d)]),
  );
  const datasets = new Map<string, DatasetStatus>();
  const keys: KeyInfo[] = [];
  const fake: Omit<FakePlatform, keyof Platform> = {
    calls: [],
    taken: [],
    producers: new Map(),
    hold: null,
    isReady: true,
    modes: [],
    failures: [],
  };
  const position = () => `raw.flights@0:${fake.taken.length}`;
  const of = (kind: Kind, name: string) =>
    catalog.get(`${kind}/${name}`) ??
    fail('MR_NOT_FOUND', `there is no ${kind} "${name}"`, { kind, name });
  const log = (method: string, ...args: unknown[]) => fake.calls.push({ method, args });

  const publish = (request: PublishRequest) => {
    const failure = fake.failures.shift();
    if (failure !== undefined) throw failure;
    of('source', request.source);
    let skip = 0;
    if (request.producer !== undefined) {
      const { id, sequence } = request.producer;
      const expected = fake.producers.get(id) ?? 0;
      if (sequence > expected)
        fail('MR_PRODUCER_SEQUENCE', `sequence ${sequence} leaves a gap: ${expected} is next`, {
          expected,
        });
      skip = Math.min(expected - sequence, request.events.length);
      fake.producers.set(id, Math.max(expected, sequence + request.events.length));
    }
    const rejected: RejectedEvent[] = [];
    request.events.slice(skip).forEach((event, i) => {
      const bad = typeof event !== 'object' || event === null || !('origin' in event);
      if (bad)
        rejected.push({
          index: skip + i,
          code: 'MR_FIELD_MISSING',
          field: 'origin',
          message: 'field "origin" is missing',
        });
      else fake.taken.push(event);
    });
    return {
      accepted: request.events.length - skip - rejected.length,
      duplicates: skip,
      rejected,
      position: position(),
    };
  };

  const read = (request: ReadRequest) => {
    if (request.service !== undefined) of('feature-service', request.service);
    return {
      features: FEATURES,
      values: request.entities.map((_, i) => (i % 2 === 0 ? [3, 2.5] : [0, null])),
      status: request.entities.map((_, i) =>
        i % 2 === 0 ? (['present', 'present'] as const) : (['present', 'null'] as const),
      ),
      entities: request.entities,
      views: [
        {
          view: 'airport_delays',
          version: 1,
          generation: 1,
          eventTime: TIME,
          position: position(),
          completeThrough: TIME,
        },
      ],
      at: request.at ?? TIME,
      known: request.known ?? TIME,
      ...(fake.modes.length === 0 ? {} : { degraded: fake.modes }),
    };
  };

  const changes = (definitions: readonly Definition[]) =>
    definitions.map(({ kind, name }) => ({
      kind,
      name,
      action: catalog.has(`${kind}/${name}`) ? ('unchanged' as const) : ('create' as const),
      cost: 'none' as const,
      fields: [],
      notes: [],
      problems: [],
    }));

  const areas: Areas = {
    publishing: {
      async publish(request, caller) {
        log('publish', request, caller);
        return publish(request);
      },
      async exportEvents(source) {
        if (source !== 'flights')
          return fail('MR_UNKNOWN_SOURCE', `there is no source "${source}"`, { source });
        return (async function* () {
          yield [
            { origin: 'ATL', delay: 3 },
            { origin: 'Zürich', delay: null },
          ];
          yield [];
          yield [{ origin: 'LAX', delay: 0.5 }];
        })();
      },
      async snapshot(request, caller) {
        log('snapshot', request, caller);
        return { time: TIME, added: 1, changed: 0, unchanged: 0, gone: 0, position: 'raw.s@0:1' };
      },
      async snapshots() {
        return [];
      },
      async producerSequence(_source, producer) {
        return fake.producers.get(producer) ?? 0;
      },
      async importHistory(request, caller) {
        log('importHistory', request, caller);
        return {
          accepted: request.events.length,
          duplicates: 0,
          rejected: [],
          position: position(),
        };
      },
      async importSequence(_source, producer) {
        return fake.producers.get(producer) ?? 0;
      },
      async rejected(source, query) {
        log('rejected', source, query);
        of('source', source);
        const record = {
          position: 'rejected.flights@0:0',
          logTime: TIME,
          code: 'MR_FIELD_MISSING',
          field: 'origin',
          message: 'field "origin" is missing',
          resent: null,
          event: { delay: 1 },
        };
        return { total: 1, records: [record], next: null };
      },
      async resendRejected(source, request, caller) {
        log('resendRejected', source, request, caller);
        return {
          accepted: request.positions.length,
          duplicates: 0,
          rejected: [],
          position: position(),
        };
      },
    },
    serving: {
      async read(request) {
        log('read', request);
        if (fake.hold !== null) await fake.hold;
        return read(request);
      },
      async explain(request) {
        log('explain', request);
        return {
          view: request.view ?? '',
          feature: request.feature,
          entity: request.entity,
          at: request.at ?? TIME,
          known: request.known ?? TIME,
          value: 3,
          status: 'present',
          type: 'long',
          window: '1d',
          hop: '1h',
          version: 1,
          generation: 1,
          definition: feature,
          covers: { from: TIME - 86_400_000, to: TIME },
          tiles: [
            {
              start: TIME - 3_600_000,
              end: TIME,
              newestEventTime: TIME - 1000,
              state: { count: 3 },
            },
          ],
          updates: [
            {
              position: 'features.airport_delays@0:3',
              logTime: TIME,
              tileStart: TIME - 3_600_000,
              cause: 'raw.flights@0:2',
            },
          ],
          events: [
            {
              position: 'raw.flights@0:2',
              eventTime: TIME - 1000,
              logTime: TIME,
              importedKnownTime: null,
              row: { origin: 'ATL' },
              counted: true,
              why: null,
            },
          ],
          eventsTotal: 1,
          recomputed: 3,
          matches: true,
        };
      },
      async featureLog(service, { requestId }) {
        of('feature-service', service);
        if (requestId !== 'r-1')
          return fail(
            'MR_NOT_FOUND',
            `nothing that "${service}" served to request "${requestId}" was logged`,
          );
        return [SERVED];
      },
      async skew(request) {
        of('feature-service', request.service);
        log('skew', request);
        return SKEW;
      },
    },
    registry: {
      async command(request, caller) {
        log('command', request, caller);
        if (request.expectedVersion === 7)
          fail('MR_VERSION_CONFLICT', 'the version is 8', { currentVersion: 8 });
        if (request.type === 'Crash') throw new Error('secret cause');
        return { events: [{ type: 'Done', data: request.data }], position: 'registry@0:1' };
      },
      async plan(definitions) {
        return { changes: changes(definitions), missing: [] };
      },
      async apply(definitions, options, caller) {
        log('apply', definitions, options, caller);
        const result = changes(definitions);
        for (const definition of definitions)
          catalog.set(`${definition.kind}/${definition.name}`, entryOf(definition));
        return {
          changes: result,
          missing: [],
          position: 'registry@0:1',
          applied: result.filter((c) => c.action === 'create').length,
        };
      },
      async exported() {
        return { millrace: 'registry', definitions: [] };
      },
      async list(kind) {
        return [...catalog.values()].filter((entry) => entry.kind === kind);
      },
      async show(kind, name) {
        return of(kind, name);
      },
      async search(text) {
        return [...catalog.values()].filter((entry) => entry.name.includes(text));
      },
      async lineageEvents({ after = 0 }) {
        return { events: [{ eventTime: '2026-01-01T00:00:00.000Z' }], next: after + 1 };
      },
      async lineage() {
        return {
          nodes: [
            { id: 'source/flights', kind: 'source' },
            { id: 'feature-view/airport_delays', kind: 'feature-view' },
          ],
          edges: [{ from: 'source/flights', to: 'feature-view/airport_delays' }],
        };
      },
    },
    datasets: {
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
          table: `iceberg.rollup.${view}_${every}`,
          rows: 2,
        };
      },
    },
    replays: {
      async start(request, caller) {
        log('startReplay', request, caller);
        return replay('r1', 'ready');
      },
      async list() {
        return [replay('r1', 'ready')];
      },
      async get(id) {
        return replay(id, 'ready');
      },
      async compare(id) {
        return {
          id,
          view: 'airport_delays',
          live: { version: 1, generation: 1, entities: 2 },
          candidate: { version: 1, generation: 2, entities: 2 },
          at: TIME,
          features: [
            {
              name: 'departures',
              compared: 2,
              differing: 1,
              largest: 3,
              examples: [{ entity: { origin: 'ATL' }, live: 1, candidate: 4 }],
            },
          ],
          onlyLive: [],
          onlyCandidate: [],
        };
      },
      async change(id, action, options, caller) {
        log('changeReplay', id, action, options, caller);
        const states = {
          promote: 'promoted',
          rollback: 'rolled-back',
          abandon: 'abandoned',
          retire: 'retired',
        } as const;
        return replay(id, states[action]);
      },
    },
    audit: {
      async log(query) {
        log('auditLog', query);
        const record = {
          sequence: 1,
          time: TIME,
          actor: 'ann',
          command: 'RegisterEntity',
          subject: 'entity/airport',
          reason: 'first',
          outcome: 'accepted' as const,
          refusal: null,
          events: [{ type: 'EntityRegistered', data: {} }],
          hash: 'aa',
          previous: '',
        };
        return { records: [record], next: null };
      },
      async verify() {
        return { ok: true, records: 1, head: 'aa' };
      },
    },
    keys: {
      async create({ name, grants, limits = {} }, { actor: createdBy }) {
        const times = { createdAt: TIME, expiresAt: null, revokedAt: null, revokedBy: null };
        const key = { id: `${keys.length}`, name, grants, limits, createdBy, ...times };
        keys.push(key);
        return { ...key, key: `mr_${key.id}_secret` };
      },
      async list() {
        return keys;
      },
      async revoke(id) {
        return (
          keys.find((key) => key.id === id) ??
          fail('MR_NOT_FOUND', `there is no key "${id}"`, { id })
        );
      },
    },
    operations: {
      async late(view) {
        return {
          view,
          total: 1,
          records: [
            {
              position: 'raw.flights@0:9',
              logTime: TIME,
              eventTime: TIME - 9e8,
              lateBy: 5000,
              generation: 1,
              entity: { origin: 'ATL' },
            },
          ],
        };
      },
      async status() {
        return {
          profile: 'embedded',
          version: '0.1.0',
          startedAt: TIME,
          dataDirectory: '/data',
          memoryBytes: 1e8,
          sources: [
            {
              source: 'flights',
              events: fake.taken.length,
              rejected: 0,
              position: position(),
              historyPosition: position(),
              newestEventTime: TIME,
            },
          ],
          views: [
            {
              view: 'airport_delays',
              version: 1,
              generation: 1,
              state: 'live',
              entities: 1,
              tiles: 1,
              late: 0,
              eventTime: TIME,
              position: position(),
              lag: 0,
              error: null,
            },
          ],
          replays: [replay('r1', 'ready')],
        };
      },
      async freshness() {
        return [
          {
            view: 'airport_delays',
            generation: 1,
            eventTime: TIME,
            lagMs: 5,
            target: '1m',
            fresh: true,
          },
        ];
      },
      async metrics() {
        return '# HELP up\nup 1\n';
      },
      degraded: () => fake.modes,
      ready() {
        return fake.isReady;
      },
    },
  };
  return Object.assign(fake, {
    ...areas,
    access: () => fail('MR_INTERNAL', 'the fake has no guard'),
    async close() {},
  } satisfies Platform);
};
