/** What Feast's own feature server answers over HTTP, so that its clients work unchanged. */
import type { FastifyError, FastifyInstance } from 'fastify';
import { MillraceError } from '#domain/errors.ts';
import { sayHow } from '#gateways/http/authenticate.ts';
import { callerOf } from '#gateways/http/caller.ts';
import { sayDegraded } from '#gateways/http/degraded.ts';
import type { Routes } from '#gateways/http/route.ts';
import {
  anything,
  flag,
  list,
  nullable,
  object,
  oneOf,
  record,
  type Schema,
  text,
} from '#gateways/http/schemas.ts';
import { checkColumns, checkOnline } from './checks.ts';
import { feastAnswerOf, schemaRefusal } from './errors.ts';
import {
  type FeastStatuses,
  type OnlineFeaturesBody,
  onlineFeaturesText,
  readRequestOf,
} from './online-features.ts';
import { readAsFeast } from './read.ts';
import { type Frame, push, writeView } from './write.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const columns: Schema = { type: 'object', additionalProperties: list(anything) };

const answersText = (status: number, description: string): Schema => ({
  [status]: { description, content: { 'application/json': { schema: anything } } },
});

const about = (summary: string, body: Schema): { schema: Record<string, unknown> } => ({
  schema: { tags: ['feast'], summary, body, response: answersText(200, 'done') },
});

/** In this scope alone: refusals as FastAPI and Feast word them. */
const addErrors = (scope: FastifyInstance): void => {
  const outer = scope.errorHandler;
  scope.setErrorHandler((error, request, reply) => {
    const { validation } = error as FastifyError;
    const refused = validation?.[0];
    const answer =
      refused === undefined ? feastAnswerOf(error) : schemaRefusal(refused, request.body);
    if (answer === null) return outer.call(scope, error as FastifyError, request, reply);
    sayHow(error, reply);
    reply.refusal = error instanceof MillraceError ? error.code : 'MR_BODY_INVALID';
    return reply.code(answer.status).type(JSON_TYPE).serializer(JSON.stringify).send(answer.body);
  });
};

interface PushBody {
  readonly push_source_name: string;
  readonly df: Frame;
  readonly to?: string;
}

interface WriteBody {
  readonly feature_view_name: string;
  readonly df: Frame;
}

export const feastRoutes =
  (statuses: FeastStatuses): Routes =>
  (app, { platform, limits, draining }) => {
    app.register(async (scope) => {
      addErrors(scope);
      const body = object(
        {
          entities: columns,
          features: list(text),
          feature_service: nullable(text),
          full_feature_names: flag,
          include_feature_view_version_metadata: flag,
        },
        ['entities'],
      );
      scope.post<{ Body: OnlineFeaturesBody }>(
        '/get-online-features',
        {
          ...about('Feast: feature values of entities, by column', body),
          serializerCompiler: () => (written) => written,
        },
        async (request, reply) => {
          checkOnline(request.body, limits);
          const result = await readAsFeast(
            platform,
            readRequestOf(request.body),
            callerOf(request),
          );
          reply.header('content-type', JSON_TYPE);
          sayDegraded(reply, result);
          return onlineFeaturesText(request.body, result, statuses);
        },
      );

      const frame = { df: columns, allow_registry_cache: flag, transform_on_write: flag };
      const to = oneOf('online', 'offline', 'online_and_offline');
      scope.post<{ Body: PushBody }>(
        '/push',
        about(
          'Feast: rows of a push source become events of the source of that name',
          object({ push_source_name: text, to, ...frame }, ['push_source_name', 'df']),
        ),
        async (request, reply) => {
          const { push_source_name: source, df } = request.body;
          checkColumns('df', df, limits.events);
          await push(platform, source, df, callerOf(request));
          return reply.code(200).send();
        },
      );
      scope.post<{ Body: WriteBody }>(
        '/write-to-online-store',
        about(
          "Feast: rows of a view become events of the view's source",
          object({ feature_view_name: text, ...frame }, ['feature_view_name', 'df']),
        ),
        async (request, reply) => {
          const { feature_view_name: view, df } = request.body;
          checkColumns('df', df, limits.events);
          await writeView(platform, view, df, callerOf(request));
          return reply.type(JSON_TYPE).send('null');
        },
      );

      // A view is kept up to date by its events: there is nothing that a materialization could add.
      for (const path of ['/materialize', '/materialize-incremental']) {
        scope.post<{ Body: { feature_views?: string[] | null }; Querystring: { async?: string } }>(
          path,
          about('Feast: answered as done, for views are always materialized', {
            ...record,
            properties: { feature_views: nullable(list(text)) },
          }),
          async (request, reply) => {
            const views = request.body.feature_views ?? [];
            const caller = callerOf(request);
            for (const view of views)
              await platform.registry.show('feature-view', view, undefined, caller);
            reply.type(JSON_TYPE);
            if (request.query.async !== 'true') return reply.send('null');
            return reply
              .code(202)
              .send(JSON.stringify({ status: 'accepted', feature_views: views }));
          },
        );
      }

      scope.get(
        '/health',
        { schema: { tags: ['feast'], summary: 'Feast: 200 when ready to serve, else 503' } },
        async (_request, reply) =>
          reply.code(draining() || !platform.operations.ready() ? 503 : 200).send(),
      );
    });
  };
