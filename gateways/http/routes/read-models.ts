import { fail } from '#domain/errors.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import { pageLimit } from '../parameters.ts';
import type { Routes } from '../route.ts';
import {
  answers,
  anything,
  closed,
  freshnessReport,
  lateReport,
  list,
  platformStatus,
  publishResult,
  rejectedPage,
  text,
} from '../schemas.ts';

interface Resend {
  readonly positions: readonly string[];
  readonly events?: readonly unknown[];
}

export const readModelRoutes: Routes = (app, { platform, limits }) => {
  app.get<{ Params: { source: string }; Querystring: { after?: string; limit?: string } }>(
    '/v1/rejected/:source',
    {
      schema: {
        tags: ['rejected and late'],
        summary: 'Events that were refused, and why; `next` is the `after` of the next page',
        querystring: closed({ after: text, limit: text }),
        response: answers(200, rejectedPage),
      },
    },
    (request) => {
      const { after, limit } = request.query;
      return platform.publishing.rejected(
        request.params.source,
        compact({ after, limit: pageLimit(limit) }),
        callerOf(request),
      );
    },
  );

  app.post<{ Params: { source: string }; Body: Resend }>(
    '/v1/rejected/:source/resend',
    {
      schema: {
        tags: ['rejected and late'],
        summary: 'Publish rejected events again, as they are or corrected',
        body: closed({ positions: list(text), events: list(anything) }, ['positions']),
        response: answers(200, publishResult),
      },
    },
    (request) => {
      const { positions, events } = request.body;
      if (positions.length > limits.events)
        fail(
          'MR_BATCH_TOO_LARGE',
          `${positions.length} positions in one request: at most ${limits.events}`,
          {
            limit: limits.events,
          },
        );
      if (events !== undefined && events.length !== positions.length) {
        fail(
          'MR_BODY_INVALID',
          `${positions.length} positions and ${events.length} events: "events" must have one for each position`,
        );
      }
      return platform.publishing.resendRejected(
        request.params.source,
        request.body,
        callerOf(request),
      );
    },
  );

  app.get<{ Params: { view: string }; Querystring: { limit?: string } }>(
    '/v1/late/:view',
    {
      schema: {
        tags: ['rejected and late'],
        summary: 'Events that came too late for a view that bounds its lateness',
        querystring: closed({ limit: text }),
        response: answers(200, lateReport),
      },
    },
    (request) =>
      platform.operations.late(
        request.params.view,
        compact({ limit: pageLimit(request.query.limit) }),
        callerOf(request),
      ),
  );

  app.get(
    '/v1/status',
    {
      schema: {
        tags: ['operation'],
        summary: 'Sources, views and replays at a glance',
        response: answers(200, platformStatus),
      },
    },
    (request) => platform.operations.status(callerOf(request)),
  );
  app.get(
    '/v1/freshness',
    {
      schema: {
        tags: ['operation'],
        summary: 'How fresh each view is, against its target',
        response: answers(200, freshnessReport),
      },
    },
    (request) => platform.operations.freshness(callerOf(request)),
  );
};
