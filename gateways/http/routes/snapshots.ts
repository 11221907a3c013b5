import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail } from '#domain/errors.ts';
import { timeOf } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { type LinesOptions, ndjsonLines } from '../ndjson-lines.ts';
import type { RouteContext, RouteModule } from '../route-module.ts';
import {
  type PublishBody,
  publishBody,
  type SnapshotQuery,
  snapshotQuery,
  snapshotResult,
  snapshotsTaken,
} from '../schemas/events.ts';
import { answers } from '../schemas/shapes.ts';

const NDJSON = 'application/x-ndjson';
/** All rows of a snapshot are in memory when it is compared with the table. */
const LIMITS: LinesOptions = { bodyBytes: 512 * 1024 * 1024, lineBytes: 4 * 1024 * 1024 };

interface Snapshot {
  Params: { source: string };
  Querystring: SnapshotQuery;
  Body: PublishBody | AsyncIterable<readonly unknown[]>;
}

async function* one(events: readonly unknown[]): AsyncGenerator<readonly unknown[]> {
  yield events;
}

const forced = ({ force, reason }: SnapshotQuery): { readonly reason: string } | undefined => {
  if (force === undefined || force === 'false') return undefined;
  if (force === 'true') return { reason: reason ?? '' };
  return fail('MR_PARAMETER_INVALID', `"force" must be true or false, not "${force}"`, {
    parameter: 'force',
  });
};

const register = (app: FastifyInstance, { platform }: RouteContext): void => {
  // The body is read while the rows are checked: it is larger than what a request may hold.
  app.addContentTypeParser(
    NDJSON,
    (request: FastifyRequest, payload: IncomingMessage, done: (e: null, body: unknown) => void) =>
      done(null, ndjsonLines(payload, request.headers, LIMITS)),
  );
  app.post<Snapshot>(
    '/v1/sources/:source/snapshots',
    {
      schema: {
        tags: ['events'],
        summary:
          'A complete snapshot of a dimension, as JSON or NDJSON: what differs from the table at its time is published, and tombstones for rows that are gone',
        querystring: snapshotQuery,
        consumes: ['application/json', NDJSON],
        body: publishBody,
        response: answers(200, snapshotResult, 'published; nothing of a refused snapshot is'),
      },
      validatorCompiler: () => () => true,
    },
    (request) => {
      const { body, query, params } = request;
      const { time } = query;
      if (time === undefined)
        return fail(
          'MR_PARAMETER_INVALID',
          '"time" is missing: the time from which on the rows are the state of the table',
          { parameter: 'time' },
        );
      const rows =
        body !== null && typeof body === 'object' && Symbol.asyncIterator in body
          ? body
          : Array.isArray(body?.events)
            ? one(body.events)
            : fail('MR_BODY_INVALID', 'the body must be {"events": [row, …]}, or NDJSON');
      const force = forced(query);
      const wanted = { source: params.source, time: timeOf('time', time), rows };
      return platform.publishing.snapshot(
        force === undefined ? wanted : { ...wanted, force },
        callerOf(request),
      );
    },
  );

  app.get<{ Params: { source: string } }>(
    '/v1/sources/:source/snapshots',
    {
      schema: {
        tags: ['events'],
        summary: 'The snapshots of a dimension that were taken, oldest first',
        response: answers(200, snapshotsTaken),
      },
    },
    async (request) => ({
      snapshots: await platform.publishing.snapshots(request.params.source, callerOf(request)),
    }),
  );
};

export const snapshotRoutes: RouteModule = { name: 'snapshots', prefix: '/v1/sources', register };
