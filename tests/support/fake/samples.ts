/** What the fake platform answers with. */
import type { CatalogEntry } from '#domain/api/registry.ts';
import type { ReplayStatus } from '#domain/api/replays.ts';
import type { Definition } from '#domain/definitions/model.ts';
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import type { SkewReport } from '#domain/feature-log/skew.ts';

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
export const feature = { aggregation: 'count', input: null };
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

export const TIME = Date.parse('2026-01-31T12:00:00Z');
export const FEATURES = ['departures', 'delay_avg_1d'];

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
  answeredBy: [],
  gone: [],
  unexplained: 0,
};

export const entryOf = (definition: Definition): CatalogEntry => ({
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

export const replay = (id: string, state: ReplayStatus['state']): ReplayStatus => ({
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

export const DEFINITIONS: readonly Definition[] = [AIRPORT, GATE, FLIGHTS, DELAYS, GATES, MODEL];
