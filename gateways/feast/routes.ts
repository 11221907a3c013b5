/** The HTTP routes of Feast's feature server, so that its clients work unchanged. */
import type { FastifyError, FastifyInstance } from 'fastify';
import { MillraceError } from '#domain/errors.ts';
import { callerOf } from '#gateways/http/caller.ts';
import { setDegradedHeader } from '#gateways/http/degraded.ts';
import { setRefusalHeaders } from '#gateways/http/errors.ts';
import { JSON_TYPE } from '#gateways/http/json-type.ts';
import type { RouteContext, RouteModule } from '#gateways/http/route-module.ts';
import { bounded } from '#gateways/shared/checks.ts';
import { checkColumns, checkOnline } from './checks.ts';
import { feastAnswerOf, schemaRefusal } from './errors.ts';
import {
  type FeastStatuses,
  type OnlineFeaturesBody,
  onlineFeaturesText,
  readRequestOf,
} from './online-features.ts';
import { readAsFeast } from './read.ts';
import {
  anyAnswer,
  type MaterializeBody,
  materializeBody,
  onlineFeaturesBody,
  type PushBody,
  pushBody,
  type WriteBody,
  writeBody,
} from './schemas.ts';
import { push, writeView } from './write.ts';

/** In this module's scope only: refusals in the form of FastAPI and Feast. */
const addErrors = (scope: FastifyInstance): void => {
  const outer = scope.errorHandler;
  scope.setErrorHandler((error, request, reply) => {
    const { validation } = error as FastifyError;
    const refused = validation?.[0];
    const answer =
      refused === undefined ? feastAnswerOf(error) : schemaRefusal(refused, request.body);
    if (answer === null) return outer.call(scope, error as FastifyError, request, reply);
    setRefusalHeaders(error, reply);
    reply.refusal = error instanceof MillraceError ? error.code : 'MR_BODY_INVALID';
    return reply.code(answer.status).type(JSON_TYPE).serializer(JSON.stringify).send(answer.body);
  });
};

const schema = (summary: string, body: object): { readonly schema: Record<string, unknown> } => ({
  schema: { tags: ['feast'], summary, body, response: anyAnswer },
});

const addWrites = (app: FastifyInstance, { platform, limits }: RouteContext): void => {
  app.post<{ Body: PushBody }>(
    '/push',
    schema('Feast: rows of a push source become events of the source of that name', pushBody),
    async (request, reply) => {
      const { push_source_name: source, df } = request.body;
      checkColumns('df', df, limits.events);
      await push(platform, source, df, callerOf(request));
      return reply.code(200).send();
    },
  );
  app.post<{ Body: WriteBody }>(
    '/write-to-online-store',
    schema("Feast: rows of a view become events of the view's source", writeBody),
    async (request, reply) => {
      const { feature_view_name: view, df } = request.body;
      checkColumns('df', df, limits.events);
      await writeView(platform, view, df, callerOf(request));
      return reply.type(JSON_TYPE).send('null');
    },
  );
};

/** A view is computed from its events all the time: a materialization has nothing to do. */
const addMaterialize = (app: FastifyInstance, { platform }: RouteContext): void => {
  for (const path of ['/materialize', '/materialize-incremental']) {
    app.post<{ Body: MaterializeBody; Querystring: { async?: string } }>(
      path,
      schema('Feast: answered as done, because views are always materialized', materializeBody),
      async (request, reply) => {
        const views = request.body.feature_views ?? [];
        const caller = callerOf(request);
        for (const view of views)
          await platform.registry.show('feature-view', view, undefined, caller);
        reply.type(JSON_TYPE);
        if (request.query.async !== 'true') return reply.send('null');
        return reply.code(202).send(JSON.stringify({ status: 'accepted', feature_views: views }));
      },
    );
  }
};

/** @param statuses how clients see nulls and values past their ttl */
export const feastRoutes = (statuses: FeastStatuses): RouteModule => ({
  name: 'feast',
  prefix: '/',
  register(app, context) {
    const { platform, limits, draining } = context;
    addErrors(app);
    app.post<{ Body: OnlineFeaturesBody }>(
      '/get-online-features',
      {
        ...schema('Feast: feature values of entities, by column', onlineFeaturesBody),
        serializerCompiler: () => (written) => written,
      },
      async (request, reply) => {
        checkOnline(request.body, limits);
        const result = await readAsFeast(
          platform,
          bounded(readRequestOf(request.body), limits),
          callerOf(request),
        );
        reply.header('content-type', JSON_TYPE);
        setDegradedHeader(reply, result);
        return onlineFeaturesText(request.body, result, statuses);
      },
    );
    addWrites(app, context);
    addMaterialize(app, context);
    app.get(
      '/health',
      { schema: { tags: ['feast'], summary: 'Feast: 200 when ready to serve, else 503' } },
      async (_request, reply) =>
        reply.code(draining() || !platform.operations.ready() ? 503 : 200).send(),
    );
  },
});
