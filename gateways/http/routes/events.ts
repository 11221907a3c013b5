import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail } from '#domain/errors.ts';
import { checkBatch } from '#gateways/shared/checks.ts';
import { wholeNumber } from '#gateways/shared/parameters.ts';
import { addNdjsonParser } from '../body-parsers.ts';
import { callerOf } from '../caller.ts';
import type { RouteContext, RouteModule } from '../route-module.ts';
import { type PublishBody, publishBody, publishHeaders, publishResult } from '../schemas/events.ts';
import { answers } from '../schemas/shapes.ts';

const MAX_PRODUCER = 200;
const NDJSON = 'application/x-ndjson';

interface Publish {
  Params: { source: string };
  Body: PublishBody;
}

export const producerOf = (
  headers: FastifyRequest['headers'],
): { readonly id: string; readonly sequence: number } | undefined => {
  const id = headers['millrace-producer'];
  const sequence = headers['millrace-sequence'];
  if (id === undefined && sequence === undefined) return undefined;
  if (typeof id !== 'string' || id === '' || id.length > MAX_PRODUCER)
    return fail(
      'MR_PARAMETER_INVALID',
      `header millrace-producer must have 1 to ${MAX_PRODUCER} characters; it goes together with millrace-sequence`,
      { parameter: 'millrace-producer' },
    );
  if (typeof sequence !== 'string')
    return fail(
      'MR_PARAMETER_INVALID',
      "header millrace-producer also needs millrace-sequence: the number of the first event in the producer's own count",
      { parameter: 'millrace-sequence' },
    );
  return { id, sequence: wholeNumber('millrace-sequence', sequence) };
};

const publish =
  ({ platform, limits }: RouteContext) =>
  (request: FastifyRequest<Publish>) => {
    const { events } = request.body;
    checkBatch(events, limits);
    const producer = producerOf(request.headers);
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

const register = (app: FastifyInstance, context: RouteContext): void => {
  addNdjsonParser(app, context.readBody);
  app.post<Publish>(
    '/v1/sources/:source/events',
    {
      schema: {
        tags: ['events'],
        summary: 'Publish raw events, as JSON or NDJSON; durable when answered',
        headers: publishHeaders,
        consumes: ['application/json', NDJSON],
        body: publishBody,
        response: answers(202, publishResult, 'accepted, except for those listed as rejected'),
      },
    },
    (request, reply) => {
      const published = publish(context)(request);
      reply.code(202);
      return published;
    },
  );

  app.get<{ Params: { source: string } }>(
    '/v1/sources/:source/events',
    {
      schema: {
        tags: ['events'],
        summary: 'All accepted events of a source as NDJSON, which can be published again',
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
};

export const eventRoutes: RouteModule = { name: 'events', prefix: '/v1/sources', register };
