/**
 * A read-only catalog of Iceberg's REST protocol over the platform's tables, so that pyiceberg,
 * Spark, Trino and others attach by URL: `…/iceberg`, with an API key as the bearer token. They
 * read the data files by themselves.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isTableNamespace, noTable, TABLE_NAMESPACES } from '#domain/api/tables.ts';
import { fail } from '#domain/errors.ts';
import { callerOf } from '#gateways/http/caller.ts';
import { JSON_TYPE } from '#gateways/http/json-type.ts';
import type { RouteContext, RouteModule } from '#gateways/http/route-module.ts';
import { addErrors, refuseUnknown } from './errors.ts';
import { pageOf } from './pages.ts';
import { NAMES_HEADER, namesFor } from './reserved-names.ts';
import {
  answering,
  type ConfigQuery,
  config,
  configQuery,
  identifiers,
  type LoadQuery,
  loadedTable,
  loadQuery,
  type NamespacesQuery,
  namespaceProperties,
  namespaces,
  namespacesQuery,
  type PagesQuery,
  pagesQuery,
} from './schemas.ts';

/** What clients may call; without this list they assume that tables can be written. */
const ENDPOINTS: readonly string[] = [
  'GET /v1/{prefix}/namespaces',
  'GET /v1/{prefix}/namespaces/{namespace}',
  'HEAD /v1/{prefix}/namespaces/{namespace}',
  'GET /v1/{prefix}/namespaces/{namespace}/tables',
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics',
  'GET /v1/{prefix}/namespaces/{namespace}/views',
];

/** The only warehouse. Clients that need the name of one send it. */
const WAREHOUSE = 'millrace';

const COMMENTS = {
  raw: 'the accepted events of each source',
  rollup: 'the values of views at the end of each day or hour',
  served: 'the logged answers of each service',
} as const satisfies Readonly<Record<(typeof TABLE_NAMESPACES)[number], string>>;

type OfNamespace = { Params: { namespace: string } };
type OfTable = { Params: { namespace: string; table: string } };

const NAMESPACE = '/iceberg/v1/namespaces/:namespace';
const TABLE = `${NAMESPACE}/tables/:table`;

const about = (summary: string, status: number, schema: object | null) => ({
  tags: ['iceberg'],
  summary: `Iceberg: ${summary}`,
  response: answering(status, schema),
});
/** HEAD routes are no operations of the OpenAPI document: they belong to their GET. */
const HIDDEN = { schema: { hide: true } };

const knownNamespace = (name: string): (typeof TABLE_NAMESPACES)[number] =>
  isTableNamespace(name)
    ? name
    : fail('MR_NOT_FOUND', `there is no namespace ${JSON.stringify(name)}`, { namespace: name });

const tableOf = ({ params }: FastifyRequest<OfTable>) => ({
  namespace: params.namespace,
  name: params.table,
});

const addConfig = (app: FastifyInstance): void => {
  app.get<{ Querystring: ConfigQuery }>(
    '/iceberg/v1/config',
    {
      schema: { ...about('what this catalog can do', 200, config), querystring: configQuery },
    },
    (request) => {
      const { warehouse = '' } = request.query;
      if (warehouse !== '' && warehouse !== WAREHOUSE)
        fail('MR_NOT_FOUND', `there is no warehouse "${warehouse}": it is "${WAREHOUSE}"`, {
          warehouse,
        });
      return { defaults: {}, overrides: {}, endpoints: ENDPOINTS };
    },
  );
};

const addNamespaces = (app: FastifyInstance): void => {
  app.get<{ Querystring: NamespacesQuery }>(
    '/iceberg/v1/namespaces',
    { schema: { ...about('the namespaces', 200, namespaces), querystring: namespacesQuery } },
    (request) => {
      const { parent = '' } = request.query;
      if (parent !== '') knownNamespace(parent);
      const { names, next } = pageOf(parent === '' ? TABLE_NAMESPACES : [], request.query);
      return { namespaces: names.map((name) => [name]), 'next-page-token': next };
    },
  );
  app.head<OfNamespace>(NAMESPACE, HIDDEN, (request, reply) => {
    knownNamespace(request.params.namespace);
    return reply.code(204).send();
  });
  app.get<OfNamespace>(
    NAMESPACE,
    { schema: about('one namespace', 200, namespaceProperties), exposeHeadRoute: false },
    (request) => {
      const name = knownNamespace(request.params.namespace);
      return { namespace: [name], properties: { comment: COMMENTS[name] } };
    },
  );
};

const addLists = (app: FastifyInstance, { platform }: RouteContext): void => {
  app.get<OfNamespace & { Querystring: PagesQuery }>(
    `${NAMESPACE}/tables`,
    {
      schema: {
        ...about('the tables that the caller may read', 200, identifiers),
        querystring: pagesQuery,
      },
    },
    async (request) => {
      const { namespace } = request.params;
      const all = await platform.tables.list(namespace, callerOf(request));
      const { names, next } = pageOf(all, request.query);
      return {
        identifiers: names.map((name) => ({ namespace: [namespace], name })),
        'next-page-token': next,
      };
    },
  );
  app.get<OfNamespace>(
    `${NAMESPACE}/views`,
    { schema: about('there are no views', 200, identifiers) },
    (request) => {
      knownNamespace(request.params.namespace);
      return { identifiers: [], 'next-page-token': null };
    },
  );
};

const etagOf = (text: string): string =>
  `"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`;

const addTables = (app: FastifyInstance, { platform }: RouteContext): void => {
  app.head<OfTable>(TABLE, HIDDEN, async (request, reply) => {
    const table = tableOf(request);
    if (!(await platform.tables.exists(table, callerOf(request)))) noTable(table);
    return reply.code(204).send();
  });
  app.get<OfTable & { Querystring: LoadQuery }>(
    TABLE,
    {
      schema: {
        ...about('a table: its metadata, for engines that read the files', 200, loadedTable),
        querystring: loadQuery,
      },
      exposeHeadRoute: false,
      serializerCompiler: () => (written) => written,
    },
    async (request, reply) => {
      const { snapshots = 'all' } = request.query;
      if (snapshots !== 'all' && snapshots !== 'refs')
        return fail('MR_PARAMETER_INVALID', `snapshots "${snapshots}" is neither all nor refs`, {
          parameter: 'snapshots',
        });
      const { location, metadata } = await platform.tables.load(
        tableOf(request as FastifyRequest<OfTable>),
        snapshots,
        callerOf(request as FastifyRequest),
      );
      // The text goes out as it is: its snapshot ids have more digits than a number of JavaScript.
      const shown = namesFor(request, metadata);
      const body = `{"metadata-location":${JSON.stringify(location)},"metadata":${shown},"config":{}}`;
      const etag = etagOf(body);
      reply.header('etag', etag).header('vary', NAMES_HEADER);
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.header('content-type', JSON_TYPE).send(body);
    },
  );
  app.post<OfTable>(
    `${TABLE}/metrics`,
    { schema: about('a report of a scan, which is not kept', 204, null) },
    async (request, reply) => {
      const table = tableOf(request);
      if (!(await platform.tables.exists(table, callerOf(request)))) noTable(table);
      return reply.code(204).send();
    },
  );
};

export const icebergRoutes: RouteModule = {
  name: 'iceberg',
  prefix: '/iceberg/v1/',
  register(app, context) {
    addErrors(app, context.limits);
    app.register(
      async (scope) => {
        scope.setNotFoundHandler(refuseUnknown);
      },
      { prefix: '/iceberg' },
    );
    addConfig(app);
    addNamespaces(app);
    addLists(app, context);
    addTables(app, context);
  },
};
