/**
 * The routes that the running gateway reports, with a valid request for each: written here where
 * its values matter, otherwise made from its schema.
 */
import { join } from 'node:path';
import { DEFINITIONS, type Hostile, sale } from './fixture.ts';

type Schema = Readonly<Record<string, unknown>>;
interface Parameter {
  readonly name: string;
  readonly in: string;
}
interface Operation {
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
}

export interface Route {
  readonly method: string;
  /** with {placeholders} */
  readonly path: string;
  readonly feast: boolean;
  readonly parameters: readonly string[];
  readonly query: readonly string[];
  /** undefined: the route takes no body */
  readonly body: unknown;
}

const ofSchema = (schema: Schema): unknown => {
  const type = [schema.type].flat()[0];
  if (Array.isArray(schema.enum)) return schema.enum[0];
  switch (type) {
    case 'string':
      return 'x';
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [ofSchema((schema.items ?? {}) as Schema)];
    case 'object': {
      const entries = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Schema>>);
      return Object.fromEntries(entries.map(([name, one]) => [name, ofSchema(one)]));
    }
    default:
      return { x: 1 };
  }
};

const bodies = (hostile: Hostile): Readonly<Record<string, unknown>> => {
  const { files } = hostile.running;
  const shops = { shop: ['s1', 's2'] };
  return {
    'POST /v1/sources/{source}/events': {
      events: [
        sale('e1'),
        sale('e2', { pieces: 3, day: '2026-01-31', tag: 'AQI=', ids: [1, 2], note: 'n' }),
      ],
    },
    'POST /v1/features': {
      service: 'till',
      entities: [{ shop: 's1' }, { shop: 's2' }],
      request: [{ by: 2 }],
      at: Date.now(),
      known: Date.now(),
    },
    'POST /v1/commands': { type: 'RegisterFeatureView', data: DEFINITIONS[2], reason: 'r' },
    'POST /v1/plan': { definitions: DEFINITIONS },
    'POST /v1/apply': { definitions: DEFINITIONS, reason: 'r' },
    'POST /v1/datasets': {
      service: 'till',
      spine: { rows: [{ shop: 's1', event_timestamp: Date.now(), by: 2 }] },
      mode: 'as-served',
      known: Date.now(),
    },
    'POST /v1/batch': { view: 'turnover', out: join(files, 'batch.csv'), at: Date.now() },
    'POST /v1/rollups': { view: 'turnover', every: 'day' },
    'POST /v1/replays': {
      view: 'turnover',
      from: '2026-01-01T00:00:00Z',
      to: Date.now(),
      reason: 'r',
      entities: [{ shop: 's1' }],
    },
    'POST /v1/rejected/{source}/resend': {
      positions: ['rejected.sales@0:0'],
      events: [sale('corrected')],
    },
    'POST /mcp': {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'read_features',
        arguments: { service: 'till', entities: [{ shop: 's1' }], request: [{ by: 2 }] },
      },
    },
    'POST /get-online-features': {
      features: ['turnover:sales', 'turnover:note'],
      entities: shops,
      full_feature_names: true,
    },
    'POST /push': {
      push_source_name: 'sales',
      df: { id: ['f1'], shop: ['s1'], at: ['2026-01-31T00:00:00Z'], amount: [1] },
      to: 'online',
    },
    'POST /write-to-online-store': {
      feature_view_name: 'turnover',
      df: { id: ['f2'], shop: ['s1'], at: [1e9], amount: [1] },
    },
    'POST /materialize': { end_ts: '2026-01-31T00:00:00Z', feature_views: ['turnover'] },
    'POST /materialize-incremental': {
      end_ts: '2026-01-31T00:00:00Z',
      feature_views: ['turnover'],
    },
  };
};

/** Valid values of the path's placeholders. */
export const rightParameter = (hostile: Hostile, { path }: Route, name: string): string => {
  if (path.includes('/replays/')) return hostile.replay;
  if (path.includes('/datasets/')) return hostile.dataset;
  const known: Readonly<Record<string, string>> = {
    source: 'sales',
    view: 'turnover',
    kind: 'feature-view',
    name: 'turnover',
    n: '1',
    id: 'p',
  };
  return known[name] ?? 'x';
};

export const RIGHT_QUERY: Readonly<Record<string, string>> = {
  view: 'turnover',
  feature: 'sales',
  'entity.shop': 's1',
  at: '2026-01-31T00:00:00Z',
  known: '2026-01-31T00:00:00Z',
  since: '2026-01-31T00:00:00Z',
  until: '2026-12-31T00:00:00Z',
  limit: '3',
  q: 'sales',
  name: 'turnover',
  with: 'other',
  examples: '3',
};

export const routesOf = async (hostile: Hostile): Promise<readonly Route[]> => {
  const answer = await fetch(`${hostile.http.url}/docs/json`);
  const { paths } = (await answer.json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const written = bodies(hostile);
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, operation]): Route => {
      const method = verb.toUpperCase();
      const schema = operation.requestBody?.content['application/json']?.schema;
      const own = written[`${method} ${path}`];
      const named = (where: string): string[] =>
        (operation.parameters ?? []).filter((p) => p.in === where).map((p) => p.name);
      return {
        method,
        path,
        feast: operation.tags?.includes('feast') === true,
        parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string),
        query: named('query'),
        body: schema === undefined ? undefined : (own ?? ofSchema(schema)),
      };
    }),
  );
  const missing = Object.keys(written).filter(
    (key) => !routes.some((route) => `${route.method} ${route.path}` === key),
  );
  if (missing.length > 0) throw new Error(`no such routes any more: ${missing.join(', ')}`);
  return routes;
};
