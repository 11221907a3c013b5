/**
 * The platform for agents, by the Model Context Protocol over streamable HTTP. Each request has one
 * message and gets its answer as JSON: there are no sessions and no streams. Authentication,
 * limits, metrics and the log are those of every route; rights and quotas are those of the areas.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { fail } from '#domain/errors.ts';
import { callerOf } from '#gateways/http/caller.ts';
import { describeRefused, type Refused } from '#gateways/http/errors.ts';
import { JSON_TYPE } from '#gateways/http/json-type.ts';
import { namedFile } from '#gateways/http/named-files.ts';
import type { RouteContext, RouteModule } from '#gateways/http/route-module.ts';
import { anything, oneOf, record } from '#gateways/http/schemas/shapes.ts';
import { whileConnected } from '#gateways/http/while-connected.ts';
import { baseOf, linksAt } from './links.ts';
import type { CheckArguments, MessageOptions } from './server.ts';
import type { ToolContext } from './tool.ts';

/** One message. Lists of messages are not part of the protocol any more. */
const message = Type.Object(
  {
    jsonrpc: oneOf('2.0'),
    id: Type.Optional(Type.Unsafe<string | number>({ type: ['string', 'number'] })),
    method: Type.Optional(Type.String({ description: 'initialize, tools/list, tools/call, …' })),
    params: Type.Optional(record()),
    result: Type.Optional(anything()),
    error: Type.Optional(anything()),
  },
  { description: 'one JSON-RPC message' },
);
type Message = Static<typeof message>;

/** Clients must accept streams, too, which this server never sends: it does not insist. */
const ACCEPT = 'application/json, text/event-stream';

const protocolHeaders = ({ headers }: FastifyRequest): Headers => {
  const { accept = '*/*', 'content-type': type = '', 'mcp-protocol-version': version } = headers;
  return new Headers({
    accept: /\*\/\*|application\/(\*|json)/i.test(accept) ? ACCEPT : accept,
    'content-type': type,
    ...(version === undefined ? {} : { 'mcp-protocol-version': String(version) }),
  });
};

/** Fastify's own validator, with the settings that bodies are validated with. */
const checkWith =
  (request: FastifyRequest): CheckArguments =>
  ({ input }, args) => {
    const validate = request.getValidationFunction(input) ?? request.compileValidationSchema(input);
    if (validate(args)) return;
    const [refused] = (validate.errors ?? []) as readonly Refused[];
    const why = refused === undefined ? 'are not valid' : describeRefused('arguments', refused);
    fail('MR_PARAMETER_INVALID', `${why}; the tool's inputSchema shows the form`, {
      at: refused?.instancePath ?? '',
    });
  };

const contextOf = (
  request: FastifyRequest,
  reply: FastifyReply,
  { platform, limits, filesRoot }: RouteContext,
): ToolContext => ({
  platform,
  limits,
  caller: callerOf(request),
  links: linksAt(baseOf(request)),
  signal: whileConnected(reply),
  file: (name, path) => namedFile(request, name, path, filesRoot),
  now: Date.now,
});

/** What the SDK refuses of a request, before any tool. */
const refuseMessage = (status: number, text: string): never => {
  const { error } = JSON.parse(text) as { readonly error: { readonly message: string } };
  const isMedia = status === 406 || status === 415;
  return fail(isMedia ? 'MR_MEDIA_TYPE' : 'MR_BODY_INVALID', error.message);
};

/** Clients ask for a stream of messages, and for the end of a session: this server has neither. */
const refuseOthers = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  reply.refusal = 'MR_ROUTE_NOT_FOUND';
  const { method } = request;
  return reply
    .code(405)
    .header('allow', 'POST')
    .type(JSON_TYPE)
    .send(
      JSON.stringify({
        code: 'MR_ROUTE_NOT_FOUND',
        message: `there is no ${method} /mcp: this path has POST, one message a request, without sessions and streams`,
        details: { method, path: '/mcp', methods: ['POST'] },
      }),
    );
};

export const mcpRoutes: RouteModule = {
  name: 'mcp',
  prefix: '/mcp',
  register(app: FastifyInstance, context) {
    app.register(async (scope) => scope.setNotFoundHandler(refuseOthers), { prefix: '/mcp' });
    app.post<{ Body: Message }>(
      '/mcp',
      {
        schema: {
          tags: ['mcp'],
          summary: 'One message of the Model Context Protocol, for agents',
          body: message,
          response: {
            200: {
              description: 'the answer, a JSON-RPC message',
              content: { 'application/json': { schema: record() } },
            },
            202: { description: 'the message needs no answer' },
          },
        },
      },
      async (request, reply) => {
        const { answerMessage } = await import('./server.ts');
        const options: MessageOptions = {
          context: contextOf(request as FastifyRequest, reply, context),
          check: checkWith(request as FastifyRequest),
          refused: ({ code }) => {
            reply.refusal = code;
          },
        };
        const headers = protocolHeaders(request as FastifyRequest);
        const answer = await answerMessage(headers, request.body, options);
        const text = await answer.text();
        if (!answer.ok) refuseMessage(answer.status, text);
        reply.code(answer.status);
        return text === '' ? reply.send() : reply.type(JSON_TYPE).send(text);
      },
    );
  },
};
