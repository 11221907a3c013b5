import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname, isAbsolute } from 'node:path';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import type { Row } from '#domain/values/value.ts';
import { callerOf, requireSameMachine } from '../caller.ts';
import { compact } from '../compact.ts';
import { optionalTime } from '../parameters.ts';
import type { Routes } from '../route.ts';
import {
  answers,
  closed,
  datasetStatus,
  list,
  object,
  oneOf,
  record,
  rollupResult,
  text,
  time,
  whole,
} from '../schemas.ts';
import { type Target, targetOf } from '../target.ts';

interface DatasetBody extends Target {
  readonly spine: { readonly file?: string; readonly rows?: readonly Row[] };
  readonly out?: string;
  readonly mode?: 'event-time' | 'as-served';
  readonly known?: string | number;
}

interface RollupBody {
  readonly view: string;
  readonly every?: 'day' | 'hour';
  readonly from?: string | number;
  readonly to?: string | number;
  readonly features?: readonly string[];
}

interface BatchBody extends Target {
  readonly out: string;
  readonly at?: string | number;
}

const MEDIA: Readonly<Record<string, string>> = {
  '.parquet': 'application/vnd.apache.parquet',
  '.csv': 'text/csv; charset=utf-8',
};

const absolute = (name: string, path: string): string =>
  isAbsolute(path)
    ? path
    : fail(
        'MR_BODY_INVALID',
        `"${name}" must be an absolute path of the server's machine, not ${JSON.stringify(path)}`,
        {
          path,
        },
      );

const spineOf = ({
  file,
  rows,
}: DatasetBody['spine']): { readonly file: string } | { readonly rows: readonly Row[] } => {
  if (file !== undefined && rows === undefined) return { file: absolute('spine.file', file) };
  if (rows !== undefined && file === undefined) return { rows };
  return fail('MR_BODY_INVALID', '"spine" must have either "file" or "rows"');
};

const finished = (status: DatasetStatus): void => {
  if (status.state === 'done') return;
  if (status.state === 'failed')
    fail('MR_DATASET_FAILED', status.error?.message ?? 'the data set failed', { id: status.id });
  fail(
    'MR_REFUSED',
    `data set ${status.id} is ${status.state}, ${Math.round(status.progress * 100)} % done: it has no data to fetch`,
    { id: status.id, state: status.state },
  );
};

export const datasetRoutes: Routes = (app, { platform }) => {
  const about = (summary: string, status = 200) => ({
    tags: ['data sets'],
    summary,
    response: answers(status, datasetStatus),
  });

  app.post<{ Body: DatasetBody }>(
    '/v1/datasets',
    {
      schema: {
        ...about('Start a point-in-time correct training set; it is made in the background', 202),
        body: closed(
          {
            service: text,
            view: text,
            spine: closed({ file: text, rows: list(record) }),
            out: text,
            mode: oneOf('event-time', 'as-served'),
            known: time,
          },
          ['spine'],
        ),
      },
    },
    async (request, reply) => {
      const { body } = request;
      if (body.spine.file !== undefined) requireSameMachine(request, '"spine.file"');
      if (body.out !== undefined) requireSameMachine(request, '"out"');
      const out = body.out === undefined ? undefined : absolute('out', body.out);
      const known = optionalTime('known', body.known);
      const started = await platform.datasets.start(
        {
          ...compact({ out, known }),
          target: targetOf(body),
          spine: spineOf(body.spine),
          mode: body.mode ?? 'event-time',
        },
        callerOf(request),
      );
      reply.code(202);
      return started;
    },
  );

  app.get<{ Params: { id: string } }>(
    '/v1/datasets/:id',
    { schema: about('How far a data set is') },
    (request) => platform.datasets.get(request.params.id, callerOf(request)),
  );
  app.delete<{ Params: { id: string } }>(
    '/v1/datasets/:id',
    { schema: about('Cancel a data set') },
    (request) => platform.datasets.cancel(request.params.id, callerOf(request)),
  );

  app.get<{ Params: { id: string } }>(
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
      finished(status);
      const { size } = await stat(status.out).catch(() =>
        fail('MR_NOT_FOUND', `the file of data set ${status.id} is gone: ${status.out}`, {
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

  app.post<{ Body: BatchBody }>(
    '/v1/batch',
    {
      schema: {
        tags: ['data sets'],
        summary: 'Write the values of every entity to a file',
        body: closed({ service: text, view: text, out: text, at: time }, ['out']),
        response: answers(200, object({ rows: whole, out: text })),
      },
    },
    (request) => {
      const { body } = request;
      requireSameMachine(request, '"out"');
      return platform.datasets.batch(
        {
          ...compact({ at: optionalTime('at', body.at) }),
          target: targetOf(body),
          out: absolute('out', body.out),
        },
        callerOf(request),
      );
    },
  );

  app.post<{ Body: RollupBody }>(
    '/v1/rollups',
    {
      schema: {
        tags: ['data sets'],
        summary:
          'Write a view’s values at the end of each period to a table; a day written again is replaced',
        body: closed(
          { view: text, every: oneOf('day', 'hour'), from: time, to: time, features: list(text) },
          ['view'],
        ),
        response: answers(200, rollupResult),
      },
    },
    (request) => {
      const { view, every = 'day', features, from, to } = request.body;
      const times = { from: optionalTime('from', from), to: optionalTime('to', to) };
      return platform.datasets.rollup(
        { view, every, ...compact({ features, ...times }) },
        callerOf(request),
      );
    },
  );
};
