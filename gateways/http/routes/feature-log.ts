/** What services answered: looked up by request, and held against what was true. */
import { callerOf } from '#gateways/http/caller.ts';
import { compact } from '#gateways/http/compact.ts';
import { featureLogRow, skewReport } from '#gateways/http/feature-log-schemas.ts';
import { optionalTime, optionalWholeNumber } from '#gateways/http/parameters.ts';
import type { Routes } from '#gateways/http/route.ts';
import { answers, closed, list, text } from '#gateways/http/schemas.ts';

/** Rows of one report: they and the events of those that differ are held in memory. */
const MAX_SAMPLE = 100_000;

export const featureLogRoutes: Routes = (app, { platform }) => {
  app.get<{ Params: { service: string }; Querystring: { request: string } }>(
    '/v1/services/:service/served',
    {
      schema: {
        tags: ['audit'],
        summary: 'What a logged service answered to a request, by the request id of that answer',
        querystring: closed({ request: text }, ['request']),
        response: answers(200, list(featureLogRow)),
      },
    },
    (request) =>
      platform.serving.featureLog(
        request.params.service,
        { requestId: request.query.request },
        callerOf(request),
      ),
  );

  app.get<{
    Params: { service: string };
    Querystring: { since?: string; until?: string; sample?: string };
  }>(
    '/v1/services/:service/skew',
    {
      schema: {
        tags: ['audit'],
        summary:
          'Logged answers against event-time values, feature by feature, with the causes of what differs; takes seconds',
        querystring: closed({ since: text, until: text, sample: text }),
        response: answers(200, skewReport),
      },
    },
    (request) => {
      const { since, until, sample } = request.query;
      return platform.serving.skew(
        {
          service: request.params.service,
          ...compact({
            since: optionalTime('since', since),
            until: optionalTime('until', until),
            sample: optionalWholeNumber('sample', sample, 1, MAX_SAMPLE),
          }),
        },
        callerOf(request),
      );
    },
  );
};
