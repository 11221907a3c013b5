import type { FastifyRequest } from 'fastify';
import { checkBatch } from '#gateways/shared/checks.ts';
import { addNdjsonParser } from '../body-parsers.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import {
  type ImportQuery,
  importQuery,
  type PublishBody,
  producerSequence,
  publishBody,
  publishHeaders,
  publishResult,
} from '../schemas/events.ts';
import { answers } from '../schemas/shapes.ts';
import { producerOf } from './events.ts';

interface Import {
  Params: { source: string };
  Body: PublishBody;
  Querystring: ImportQuery;
}

export const historyRoutes: RouteModule = {
  name: 'history',
  prefix: '/v1/sources',
  register(app, { platform, limits, readBody }) {
    addNdjsonParser(app, readBody);
    app.post<Import>(
      '/v1/sources/:source/history',
      {
        schema: {
          tags: ['events'],
          summary: 'Import events from before this log, each with the time when it was known',
          headers: publishHeaders,
          consumes: ['application/json', 'application/x-ndjson'],
          querystring: importQuery,
          body: publishBody,
          response: answers(202, publishResult, 'accepted, except for those listed as rejected'),
        },
      },
      (request: FastifyRequest<Import>, reply) => {
        const { events } = request.body;
        checkBatch(events, limits);
        const imported = platform.publishing.importHistory(
          {
            source: request.params.source,
            events,
            ...compact({ producer: producerOf(request.headers), reason: request.query.reason }),
          },
          callerOf(request),
        );
        reply.code(202);
        return imported;
      },
    );
    app.get<{ Params: { source: string; id: string } }>(
      '/v1/sources/:source/history/:id',
      {
        schema: {
          tags: ['events'],
          summary: 'The next sequence number of an import',
          response: answers(200, producerSequence),
        },
      },
      async (request) => {
        const { source, id } = request.params;
        return { next: await platform.publishing.importSequence(source, id, callerOf(request)) };
      },
    );
  },
};
