import { createReadStream } from 'node:fs';
import { basename, extname } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { MAX_EXAMPLES } from '#domain/datasets/row-diff.ts';
import { ARROW_STREAM, arrowStream } from '#domain/sql-results/arrow-stream.ts';
import { optionalWholeNumber } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import { requestOf, rerunOf } from '../dataset-request.ts';
import { namedFile } from '../named-files.ts';
import type { RouteContext, RouteModule } from '../route-module.ts';
import {
  type DatasetBody,
  datasetBody,
  datasetDiff,
  datasetManifest,
  datasetStatus,
  datasetStatuses,
  type RerunBody,
  type RowDiffQuery,
  rerunBody,
  rowDiff,
  rowDiffQuery,
} from '../schemas/datasets.ts';
import { answers, closed } from '../schemas/shapes.ts';
import { whileConnected } from '../while-connected.ts';

type OfDataset = { Params: { id: string } };

const MEDIA: Readonly<Record<string, string>> = {
  '.parquet': 'application/vnd.apache.parquet',
  '.csv': 'text/csv; charset=utf-8',
};

const addData = (app: FastifyInstance, { platform }: RouteContext): void => {
  app.get<OfDataset>(
    '/v1/datasets/:id/data',
    {
      schema: {
        tags: ['data sets'],
        summary: 'The rows: the file, Parquet or CSV; or, by `accept`, a stream of Arrow IPC',
        produces: [...Object.values(MEDIA), ARROW_STREAM],
      },
    },
    async (request, reply) => {
      if (request.headers.accept?.includes(ARROW_STREAM)) {
        const { columns, batches } = await platform.datasets.batches(
          request.params.id,
          callerOf(request),
        );
        reply.header('content-type', ARROW_STREAM);
        return reply.send(Readable.from(arrowStream(columns, batches), { objectMode: false }));
      }
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

/** Of these, `id` is NAME, NAME@VERSION or the id of a build. */
const addNamed = (app: FastifyInstance, { platform, filesRoot }: RouteContext): void => {
  app.get<OfDataset>(
    '/v1/datasets/:id/manifest',
    {
      schema: {
        tags: ['data sets'],
        summary: 'The manifest of a named data set: NAME or NAME@VERSION',
        response: answers(200, datasetManifest),
      },
    },
    (request) => platform.datasets.manifest(request.params.id, callerOf(request)),
  );
  app.get<OfDataset & { Querystring: { with: string } }>(
    '/v1/datasets/:id/diff',
    {
      schema: {
        tags: ['data sets'],
        summary: 'How another named data set, `with`, differs from this one',
        querystring: closed({ with: Type.String() }),
        response: answers(200, datasetDiff),
      },
    },
    (request) => platform.datasets.diff(request.params.id, request.query.with, callerOf(request)),
  );
  app.get<OfDataset & { Querystring: RowDiffQuery }>(
    '/v1/datasets/:id/diff/rows',
    {
      schema: {
        tags: ['data sets'],
        summary: 'How the rows of another named data set, `with`, differ from those of this one',
        querystring: rowDiffQuery,
        response: answers(200, rowDiff),
      },
    },
    (request, reply) => {
      const { with: other, examples } = request.query;
      return platform.datasets.diffRows(
        request.params.id,
        other,
        compact({
          examples: optionalWholeNumber('examples', examples, 0, MAX_EXAMPLES),
          signal: whileConnected(reply),
        }),
        callerOf(request),
      );
    },
  );
  app.post<OfDataset & { Body: RerunBody }>(
    '/v1/datasets/:id/rerun',
    {
      schema: {
        tags: ['data sets'],
        summary: 'Build a named data set again, with the same bytes, in the background',
        body: rerunBody,
        response: answers(202, datasetStatus),
      },
    },
    async (request, reply) => {
      const wanted = rerunOf(request.body, (name, path) =>
        namedFile(request, name, path, filesRoot),
      );
      const started = await platform.datasets.rerun(request.params.id, wanted, callerOf(request));
      reply.code(202);
      return started;
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
      const wanted = requestOf(request.body, (name, path) =>
        namedFile(request, name, path, context.filesRoot),
      );
      const started = await platform.datasets.start(wanted, callerOf(request));
      reply.code(202);
      return started;
    },
  );
  app.get<{ Querystring: { name?: string } }>(
    '/v1/datasets',
    {
      schema: {
        tags: ['data sets'],
        summary: 'The data sets that the caller may see, newest first; `name`: the builds of one',
        querystring: closed({ name: Type.Optional(Type.String()) }),
        response: answers(200, datasetStatuses),
      },
    },
    async (request) => {
      const { name } = request.query;
      const all = await platform.datasets.list(callerOf(request));
      return name === undefined ? all : all.filter((one) => one.name === name);
    },
  );
  addNamed(app, context);
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
