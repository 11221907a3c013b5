import { createReadStream } from 'node:fs';
import { basename, extname } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { DatasetSpine } from '#domain/datasets/spine.ts';
import { fail } from '#domain/errors.ts';
import { ARROW_STREAM, arrowStream } from '#domain/sql-results/arrow-stream.ts';
import { parseDuration } from '#domain/values/duration.ts';
import { isExactNumber } from '#domain/values/exact-json.ts';
import { parseTime } from '#domain/values/time.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
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
  rerunBody,
  type SpineBody,
} from '../schemas/datasets.ts';
import { answers, closed } from '../schemas/shapes.ts';
import { targetOf } from '../target.ts';

type OfDataset = { Params: { id: string } };

const MEDIA: Readonly<Record<string, string>> = {
  '.parquet': 'application/vnd.apache.parquet',
  '.csv': 'text/csv; charset=utf-8',
};

/**
 * A whole number that a double would round is its digits as text: they are read as the type of a
 * key or input, and kept in any other column.
 */
const exactRow = (row: Row): Row =>
  Object.values(row).some((value: unknown) => isExactNumber(value))
    ? Object.fromEntries(
        Object.entries(row).map(([name, value]: [string, unknown]) => [
          name,
          (isExactNumber(value) ? value.rawJSON : value) as Value,
        ]),
      )
    : row;

const spineOf = (spine: SpineBody, named: (name: string, path: string) => string): DatasetSpine => {
  const { file, rows, grid, events } = spine;
  const [kind, other] = Object.values(spine).filter((one) => one !== undefined);
  if (kind === undefined || other !== undefined)
    return fail('MR_BODY_INVALID', '"spine" must have one of "file", "rows", "grid" and "events"');
  if (file !== undefined) return { file: named('spine.file', file) };
  if (rows !== undefined) return { rows: rows.map(exactRow) };
  if (grid !== undefined) {
    const [from, to] = [parseTime(grid.from), parseTime(grid.to)];
    return { grid: { from, to, every: parseDuration(grid.every) } };
  }
  const { source, label = [], from, to } = events as NonNullable<SpineBody['events']>;
  const range = compact({ from: optionalTime('from', from), to: optionalTime('to', to) });
  return { events: { source, label, ...range } };
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
      const { spine, out, overwrite } = request.body;
      const named = (name: string, path: string): string =>
        namedFile(request, name, path, filesRoot);
      const started = await platform.datasets.rerun(
        request.params.id,
        compact({
          spine: spine === undefined ? undefined : spineOf(spine, named),
          out: out === undefined ? undefined : named('out', out),
          overwrite,
        }),
        callerOf(request),
      );
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
      const { body } = request;
      const named = (name: string, path: string): string =>
        namedFile(request, name, path, context.filesRoot);
      const spine = spineOf(body.spine, named);
      const out = body.out === undefined ? undefined : named('out', body.out);
      const known = optionalTime('known', body.known);
      const started = await platform.datasets.start(
        {
          ...compact({
            out,
            known,
            overwrite: body.overwrite,
            withStatus: body.withStatus,
            name: body.name,
            newVersion: body.newVersion,
          }),
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
