import { createReadStream } from 'node:fs';
import { basename, extname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { fail } from '#domain/errors.ts';
import type { Row } from '#domain/values/value.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import { namedFile } from '../named-files.ts';
import type { RouteContext, RouteModule } from '../route-module.ts';
import {
  type DatasetBody,
  datasetBody,
  datasetStatus,
  datasetStatuses,
} from '../schemas/datasets.ts';
import { answers } from '../schemas/shapes.ts';
import { targetOf } from '../target.ts';

type OfDataset = { Params: { id: string } };

const MEDIA: Readonly<Record<string, string>> = {
  '.parquet': 'application/vnd.apache.parquet',
  '.csv': 'text/csv; charset=utf-8',
};

const spineOf = (
  { file, rows }: DatasetBody['spine'],
  named: (name: string, path: string) => string,
): { readonly file: string } | { readonly rows: readonly Row[] } => {
  if (file !== undefined && rows === undefined) return { file: named('spine.file', file) };
  if (rows !== undefined && file === undefined) return { rows };
  return fail('MR_BODY_INVALID', '"spine" must have either "file" or "rows"');
};

const addData = (app: FastifyInstance, { platform }: RouteContext): void => {
  app.get<OfDataset>(
    '/v1/datasets/:id/data',
    {
      schema: {
        tags: ['data sets'],
        summary: 'The rows, as Parquet or CSV',
        produces: Object.values(MEDIA),
      },
    },
    async (request, reply) => {
      const { path, bytes } = await platform.datasets.file(request.params.id, callerOf(request));
      reply.header('content-type', MEDIA[extname(path)] ?? 'application/octet-stream');
      reply.header('content-length', bytes);
      reply.header(
        'content-disposition',
        `attachment; filename*=UTF-8''${encodeURIComponent(basename(path))}`,
      );
      return reply.send(createReadStream(path, { end: Math.max(0, bytes - 1) }));
    },
  );
};

const register = (app: FastifyInstance, context: RouteContext): void => {
  const { platform } = context;
  const about = (summary: string, status = 200) => ({
    tags: ['data sets'],
    summary,
    response: answers(status, datasetStatus),
  });

  app.post<{ Body: DatasetBody }>(
    '/v1/datasets',
    {
      schema: {
        ...about('Start a point-in-time correct training set, in the background', 202),
        body: datasetBody,
      },
    },
    async (request, reply) => {
      const { body } = request;
      const named = (name: string, path: string): string =>
        namedFile(request, name, path, context.filesRoot);
      const spine = spineOf(body.spine, named);
      const out = body.out === undefined ? undefined : named('out', body.out);
      const known = optionalTime('known', body.known);
      const started = await platform.datasets.start(
        {
          ...compact({ out, known, overwrite: body.overwrite, withStatus: body.withStatus }),
          target: targetOf(body),
          spine,
          mode: body.mode ?? 'event-time',
        },
        callerOf(request),
      );
      reply.code(202);
      return started;
    },
  );
  app.get(
    '/v1/datasets',
    {
      schema: {
        tags: ['data sets'],
        summary: 'The data sets that the caller may see, newest first',
        response: answers(200, datasetStatuses),
      },
    },
    (request) => platform.datasets.list(callerOf(request)),
  );
  app.get<OfDataset>(
    '/v1/datasets/:id',
    { schema: about('The state and progress of a data set') },
    (request) => platform.datasets.get(request.params.id, callerOf(request)),
  );
  app.delete<OfDataset>('/v1/datasets/:id', { schema: about('Cancel a data set') }, (request) =>
    platform.datasets.cancel(request.params.id, callerOf(request)),
  );
  addData(app, context);
};

export const datasetRoutes: RouteModule = { name: 'datasets', prefix: '/v1/datasets', register };
