import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { fail } from '#domain/errors.ts';
import { checkBatch } from '#gateways/checks.ts';
import { addNdjsonParser } from '../body-parsers.ts';
import { callerOf } from '../caller.ts';
import { wholeNumber } from '../parameters.ts';
import type { RouteContext, Routes } from '../route.ts';
import { answers, anything, closed, list, object, publishResult, text, whole } from '../schemas.ts';

const MAX_PRODUCER = 200;
const NDJSON = 'application/x-ndjson';

interface Events {
  Params: { source: string };
  Body: { events: unknown[] };
}

const producerOf = (request: FastifyRequest): { id: string; sequence: number } | undefined => {
  const id = request.headers['millrace-producer'];
  const sequence = request.headers['millrace-sequence'];
  if (id === undefined && sequence === undefined) return undefined;
  if (typeof id !== 'string' || id === '' || id.length > MAX_PRODUCER) {
    return fail(
      'MR_PARAMETER_INVALID',
      `header millrace-producer must be a text of 1 to ${MAX_PRODUCER} characters, beside millrace-sequence`,
      { parameter: 'millrace-producer' },
    );
  }
  if (typeof sequence !== 'string') {
    return fail(
      'MR_PARAMETER_INVALID',
      "header millrace-sequence must be given beside millrace-producer: the number of the first event in the producer's own count",
      {
        parameter: 'millrace-sequence',
      },
    );
  }
  return { id, sequence: wholeNumber('millrace-sequence', sequence) };
};

const publish =
  ({ platform, limits }: RouteContext) =>
  (request: FastifyRequest<Events>) => {
    const { events } = request.body;
    checkBatch(events, limits);
    const producer = producerOf(request);
    const { source } = request.params;
    return platform.publishing.publish(
      producer === undefined ? { source, events } : { source, events, producer },
      callerOf(request),
    );
  };

async function* lines(events: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  for await (const some of events)
    if (some.length > 0) yield `${some.map((event) => JSON.stringify(event)).join('\n')}\n`;
}

export const eventRoutes: Routes = (app, context) => {
  app.register(async (scope) => {
    addNdjsonParser(scope, context.readBody);
    scope.post<Events>(
      '/v1/sources/:source/events',
      {
        schema: {
          tags: ['events'],
          summary: 'Publish raw events, as JSON or NDJSON; durable when answered',
          headers: object(
            { 'millrace-producer': text, 'millrace-sequence': text, 'x-millrace-actor': text },
            [],
          ),
          consumes: ['application/json', NDJSON],
          body: closed({ events: list(anything) }, ['events']),
          response: answers(202, publishResult, 'accepted, but for those listed as rejected'),
        },
      },
      (request, reply) => {
        const published = publish(context)(request);
        reply.code(202);
        return published;
      },
    );
  });

  app.get<{ Params: { source: string } }>(
    '/v1/sources/:source/events',
    {
      schema: {
        tags: ['events'],
        summary: 'All accepted events of a source as NDJSON, to be published again elsewhere',
        produces: [NDJSON],
      },
    },
    async (request, reply) => {
      const events = await context.platform.publishing.exportEvents(
        request.params.source,
        callerOf(request),
      );
      reply.header('content-type', NDJSON);
      return reply.send(Readable.from(lines(events)));
    },
  );

  app.get<{ Params: { source: string; id: string } }>(
    '/v1/sources/:source/producers/:id',
    {
      schema: {
        tags: ['events'],
        summary: 'The sequence from which a producer goes on',
        response: answers(200, object({ next: whole })),
      },
    },
    async (request) => {
      const { source, id } = request.params;
      return {
        next: await context.platform.publishing.producerSequence(source, id, callerOf(request)),
      };
    },
  );
};
