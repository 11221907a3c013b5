import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import type { Row } from '#domain/values/value.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import { namedFile } from '../named-files.ts';
import type { RouteContext, RouteModule } from '../route-module.ts';
import { type DatasetBody, datasetBody, datasetStatus } from '../schemas/datasets.ts';
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

/** @throws MR_DATASET_FAILED or MR_REFUSED if the data set has no data */
const requireDone = (status: DatasetStatus): void => {
  if (status.state === 'done') return;
  if (status.state === 'failed')
    fail('MR_DATASET_FAILED', status.error?.message ?? 'the data set failed', { id: status.id });
  fail(
    'MR_REFUSED',
    `data set ${status.id} is ${status.state}, ${Math.round(status.progress * 100)} % done: it has no data to fetch`,
    { id: status.id, state: status.state },
  );
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
      const status = await platform.datasets.get(request.params.id, callerOf(request));
      requireDone(status);
      const { size } = await stat(status.out).catch(() =>
        fail('MR_NOT_FOUND', `the file of data set ${status.id} does not exist: ${status.out}`, {
          id: status.id,
        }),
      );
      reply.header('content-type', MEDIA[extname(status.out)] ?? 'application/octet-stream');
      reply.header('content-length', size);
      reply.header(
        'content-disposition',
        `attachment; filename*=UTF-8''${encodeURIComponent(basename(status.out))}`,
      );
      return reply.send(createReadStream(status.out, { end: Math.max(0, size - 1) }));
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
