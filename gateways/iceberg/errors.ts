/** Refusals in the form of Iceberg's REST catalog: `{"error":{"message","type","code"}}`. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '#domain/errors.ts';
import { answerOf, setRefusalHeaders } from '#gateways/http/errors.ts';
import { JSON_TYPE } from '#gateways/http/json-type.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';

/** The names of exceptions that clients of the catalog know. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'BadRequestException',
  401: 'NotAuthorizedException',
  403: 'ForbiddenException',
  404: 'NotFoundException',
  406: 'UnsupportedOperationException',
  409: 'ValidationException',
  429: 'TooManyRequestsException',
  503: 'ServiceUnavailableException',
};

const MISSING: Readonly<Record<string, string>> = {
  namespace: 'NoSuchNamespaceException',
  table: 'NoSuchTableException',
  view: 'NoSuchViewException',
  warehouse: 'NoSuchWarehouseException',
};

const typeOf = (status: number, details: Readonly<Record<string, unknown>>): string => {
  const missing = Object.keys(MISSING).find((kind) => Object.hasOwn(details, kind));
  if (status === 404 && missing !== undefined) return MISSING[missing] as string;
  return TYPES[status] ?? (status < 500 ? 'BadRequestException' : 'ServiceFailureException');
};

export const errorBody = (status: number, type: string, message: string): object => ({
  error: { message, type, code: status },
});

const send = (reply: FastifyReply, status: number, body: object): FastifyReply =>
  reply.code(status).type(JSON_TYPE).serializer(JSON.stringify).send(body);

/** In this scope only. */
export const addErrors = (scope: FastifyInstance, limits: GatewayLimits): void => {
  const outer = scope.errorHandler;
  scope.setErrorHandler((error, request, reply) => {
    const { status, body, internal } = answerOf(error, request, limits);
    // The cause goes to the log of the server.
    if (internal) return outer.call(scope, error as FastifyError, request, reply);
    setRefusalHeaders(error, reply);
    reply.refusal = body.code satisfies ErrorCode;
    const message = `${body.message} (${body.code})`;
    return send(reply, status, errorBody(status, typeOf(status, body.details), message));
  });
};

const TOKENS = /^\/iceberg\/v1\/oauth\/tokens\/?$/;
const VIEW = /^\/iceberg\/v1\/namespaces\/[^/]+\/views\/[^/]+\/?$/;
const BY_TOKEN =
  'this catalog gives no tokens: set the API key as the property "token", without "credential"';
const READ_ONLY = 'the catalog is read-only: Millrace and its Flink jobs are the only writers';

/** What the catalog does not have: writes, plans, views, tokens. */
export const refuseUnknown = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const { method } = request;
  const path = request.url.split('?')[0] as string;
  reply.refusal = 'MR_ROUTE_NOT_FOUND';
  if (TOKENS.test(path))
    return send(reply, 400, { error: 'unsupported_grant_type', error_description: BY_TOKEN });
  const reads = method === 'GET' || method === 'HEAD';
  const refusal = (status: number, type: string, message: string): FastifyReply =>
    send(reply, status, errorBody(status, type, `${message} (${reply.refusal})`));
  if (!reads) return refusal(406, TYPES[406] as string, READ_ONLY);
  const details = VIEW.test(path) ? { view: path } : {};
  return refusal(404, typeOf(404, details), `there is no ${method} ${path}`);
};
