/**
 * JSON schemas: of requests (what Fastify checks) and of answers (what /docs shows). Small builders
 * keep them readable.
 */
import { DEGRADED_MODES } from '#domain/ports/degraded.ts';

export type Schema = Readonly<Record<string, unknown>>;

export const object = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = Object.keys(properties),
): Schema => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
});
/** Of a request: a misspelt property is refused, not ignored. */
export const closed = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema => ({
  ...object(properties, required),
  additionalProperties: false,
});
export const list = (items: Schema): Schema => ({ type: 'array', items });
export const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });
export const nullable = (schema: Schema): Schema => ({ ...schema, nullable: true });

export const text: Schema = { type: 'string' };
export const whole: Schema = { type: 'integer' };
export const number: Schema = { type: 'number' };
export const flag: Schema = { type: 'boolean' };
export const anything: Schema = {};
export const record: Schema = { type: 'object', additionalProperties: true };
/** of a request: ISO 8601 with a zone, or epoch milliseconds */
export const time: Schema = {
  type: ['string', 'number'],
  description: 'ISO 8601 with a zone, or epoch milliseconds',
};
/** of an answer */
export const epoch: Schema = { type: 'integer', description: 'epoch milliseconds' };

export const errorSchema = object({ code: text, message: text, details: record });

export const answers = (status: number, schema: Schema, description = 'done'): Schema => ({
  [status]: { description, content: { 'application/json': { schema } } },
  default: {
    description: 'refused or failed',
    content: { 'application/json': { schema: errorSchema } },
  },
});

export const degradedModes = list(oneOf(...DEGRADED_MODES));

const problem = object({ code: text, message: text, details: record }, ['code', 'message']);
const event = object({ type: text, data: anything });
const viewVersion = object({ view: text, version: whole, generation: nullable(whole) });

export const publishResult = object({
  accepted: whole,
  duplicates: whole,
  rejected: list(
    object({ index: whole, code: text, field: text, message: text }, ['index', 'code', 'message']),
  ),
  position: text,
});

export const rollupResult = object({
  view: text,
  version: whole,
  generation: whole,
  every: oneOf('day', 'hour'),
  from: epoch,
  to: epoch,
  features: list(text),
  table: text,
  rows: whole,
});

export const commandResult = object({ events: list(event), position: text });

const cost = oneOf('none', 'compatible', 'replay', 'breaking');
const change = object({
  kind: text,
  name: text,
  action: oneOf('create', 'revise', 'unchanged'),
  cost,
  fields: list(object({ path: text, before: anything, after: anything, cost })),
  notes: list(text),
  problems: list(problem),
});
export const planResult = object({ changes: list(change) });
export const applyResult = object({ changes: list(change), position: text, applied: whole });

export const catalogEntry = object(
  {
    kind: text,
    name: text,
    version: whole,
    status: oneOf('active', 'deprecated', 'retired'),
    namespace: text,
    owner: nullable(text),
    description: nullable(text),
    tags: list(text),
    definition: record,
    versions: list(
      object({ version: whole, registeredAt: epoch, actor: text, reason: nullable(text) }),
    ),
    features: list(object({ name: text, type: text, description: nullable(text) })),
    materializations: list(
      object(
        {
          store: text,
          location: text,
          generation: whole,
          position: text,
          eventTime: nullable(epoch),
          job: text,
        },
        ['store', 'location', 'generation', 'position', 'eventTime'],
      ),
    ),
    sql: text,
    upstream: list(text),
    downstream: list(text),
  },
  ['kind', 'name', 'version', 'status', 'definition'],
);

export const lineageGraph = object({
  nodes: list(object({ id: text, kind: text })),
  edges: list(object({ from: text, to: text })),
});

export const lineageEvents = object({ events: list(record), next: whole });

export const datasetStatus = object({
  id: text,
  state: oneOf('running', 'done', 'failed', 'cancelled'),
  progress: number,
  stage: text,
  rows: nullable(whole),
  out: text,
  mode: oneOf('event-time', 'as-served'),
  features: list(text),
  views: list(viewVersion),
  known: epoch,
  error: nullable(problem),
  startedAt: epoch,
  finishedAt: nullable(epoch),
});

export const replayStatus = object({
  id: text,
  view: text,
  version: whole,
  generation: whole,
  state: oneOf('filling', 'ready', 'promoted', 'rolled-back', 'abandoned', 'retired', 'failed'),
  from: nullable(epoch),
  to: nullable(epoch),
  reason: nullable(text),
  actor: text,
  progress: number,
  events: whole,
  startedAt: epoch,
  finishedAt: nullable(epoch),
  error: nullable(text),
});

const side = object({ version: whole, generation: whole, entities: whole });
export const replayComparison = object({
  id: text,
  view: text,
  live: nullable(side),
  candidate: side,
  at: epoch,
  features: list(
    object({
      name: text,
      compared: whole,
      differing: whole,
      largest: nullable(number),
      examples: list(object({ entity: record, live: anything, candidate: anything })),
    }),
  ),
  onlyLive: list(text),
  onlyCandidate: list(text),
});

export const explanation = object({
  view: text,
  feature: text,
  entity: record,
  at: epoch,
  known: epoch,
  value: anything,
  status: text,
  version: whole,
  generation: whole,
  definition: record,
  covers: object({ from: nullable(epoch), to: epoch }),
  tiles: list(
    object({ start: epoch, end: nullable(epoch), newestEventTime: epoch, state: anything }),
  ),
  updates: list(object({ position: text, logTime: epoch, tileStart: epoch, cause: text })),
  events: list(
    object({
      position: text,
      eventTime: epoch,
      logTime: epoch,
      row: record,
      counted: flag,
      why: nullable(text),
    }),
  ),
  eventsTotal: whole,
  recomputed: anything,
  matches: flag,
});

export const auditPage = object({
  records: list(
    object(
      {
        sequence: whole,
        time: epoch,
        actor: text,
        command: text,
        subject: text,
        reason: nullable(text),
        outcome: oneOf('accepted', 'refused'),
        refusal: nullable(object({ code: text, message: text })),
        events: list(event),
        commandHash: text,
        hash: text,
        previous: text,
      },
      [
        'sequence',
        'time',
        'actor',
        'command',
        'subject',
        'reason',
        'outcome',
        'refusal',
        'events',
        'hash',
        'previous',
      ],
    ),
  ),
  next: nullable(whole),
});
export const auditVerification = object(
  { ok: flag, records: whole, head: text, firstBad: whole, message: text },
  ['ok', 'records'],
);

export const rejectedPage = object({
  total: whole,
  records: list(
    object({
      position: text,
      logTime: epoch,
      code: text,
      field: nullable(text),
      message: text,
      event: anything,
    }),
  ),
  next: nullable(text),
});
export const lateReport = object({
  view: text,
  total: whole,
  records: list(
    object({ position: text, logTime: epoch, eventTime: epoch, lateBy: whole, entity: record }),
  ),
});
export const freshnessReport = list(
  object({
    view: text,
    generation: whole,
    eventTime: nullable(epoch),
    lagMs: nullable(whole),
    target: nullable(text),
    fresh: nullable(flag),
  }),
);
const engineJob = object({
  name: text,
  state: text,
  restarts: whole,
  failure: nullable(text),
  checkpointAt: nullable(epoch),
});
export const platformStatus = object(
  {
    profile: text,
    version: text,
    startedAt: epoch,
    dataDirectory: text,
    memoryBytes: whole,
    sources: list(
      object({
        source: text,
        events: whole,
        rejected: whole,
        position: text,
        historyPosition: text,
        newestEventTime: nullable(epoch),
      }),
    ),
    views: list(
      object(
        {
          view: text,
          version: whole,
          generation: nullable(whole),
          state: oneOf('live', 'filling', 'stalled'),
          entities: whole,
          tiles: whole,
          late: whole,
          eventTime: nullable(epoch),
          position: text,
          lag: whole,
          error: nullable(text),
          job: engineJob,
        },
        [
          'view',
          'version',
          'generation',
          'state',
          'entities',
          'tiles',
          'late',
          'eventTime',
          'position',
          'lag',
          'error',
        ],
      ),
    ),
    replays: list(replayStatus),
    jobs: list(engineJob),
    readsByStore: object({ cache: whole, durable: whole, history: whole }),
    degraded: degradedModes,
  },
  [
    'profile',
    'version',
    'startedAt',
    'dataDirectory',
    'memoryBytes',
    'sources',
    'views',
    'replays',
  ],
);
