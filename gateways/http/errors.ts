/**
 * Every failure is answered with {code, message, details} and the status of its code: refusals of
 * the platform unchanged, refusals of Fastify with our codes, and anything else as MR_INTERNAL with
 * the request's id. Its cause is only in the server's log.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, type ErrorCode, MillraceError } from '#domain/errors.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';

const BODY_FORMS = 'application/json, or application/x-ndjson for events';

/** Why a value does not have the form of a JSON Schema, as ajv says it. */
export interface Refused {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Record<string, unknown>;
  readonly message?: string | undefined;
}

const pathOf = (instancePath: string): string =>
  instancePath
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('');

/** @param context what the value is, such as "body" */
export const describeRefused = (context: string, refused: Refused): string => {
  const where = `${context}${pathOf(refused.instancePath)}`;
  const { params } = refused;
  switch (refused.keyword) {
    case 'additionalProperties':
      return `${where} has an unknown ${context === 'body' ? 'property' : 'parameter'} "${String(params.additionalProperty)}"`;
    case 'required':
      return `${where} must have "${String(params.missingProperty)}"`;
    case 'type':
      return `${where} must be ${[params.type].flat().join(' or ')}`;
    case 'enum':
      return `${where} must be one of ${(params.allowedValues as unknown[]).join(', ')}`;
    default:
      return `${where} ${refused.message ?? 'does not have the right form'}`;
  }
};

const ofValidation = (error: FastifyError): MillraceError => {
  const context = error.validationContext ?? 'body';
  const [refused] = (error.validation ?? []) as readonly Refused[];
  const message =
    refused === undefined
      ? error.message
      : describeRefused(context === 'body' ? 'body' : 'query', refused);
  return new MillraceError(
    context === 'body' ? 'MR_BODY_INVALID' : 'MR_PARAMETER_INVALID',
    `${message}; /docs shows the form`,
    {
      at: refused?.instancePath ?? '',
    },
  );
};

const FASTIFY: Readonly<
  Record<string, (error: FastifyError, limits: GatewayLimits) => MillraceError>
> = {
  FST_ERR_VALIDATION: ofValidation,
  FST_ERR_CTP_BODY_TOO_LARGE: (_, { bodyBytes }) =>
    new MillraceError(
      'MR_BODY_TOO_LARGE',
      `the body is larger than the ${bodyBytes} bytes that one request may have`,
      {
        limit: bodyBytes,
      },
    ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (error) =>
    new MillraceError('MR_MEDIA_TYPE', `${error.message}: send ${BODY_FORMS}`),
  FST_ERR_CTP_EMPTY_TYPE: () =>
    new MillraceError('MR_MEDIA_TYPE', `the body has no content type: send ${BODY_FORMS}`),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new MillraceError(
      'MR_BODY_INVALID',
      'the body does not have the length that its content-length states',
    ),
  FST_ERR_BAD_URL: () =>
    new MillraceError(
      'MR_ROUTE_NOT_FOUND',
      'the path has a percent sign that is not part of an encoded character',
    ),
};

interface ErrorAnswer {
  readonly status: number;
  readonly body: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
  readonly internal: boolean;
}

export const answerOf = (
  error: unknown,
  request: Pick<FastifyRequest, 'id'>,
  limits: GatewayLimits,
): ErrorAnswer => {
  const refusal =
    error instanceof MillraceError
      ? error
      : FASTIFY[(error as FastifyError | null)?.code ?? '']?.(error as FastifyError, limits);
  if (refusal !== undefined)
    return { status: ERRORS[refusal.code].status, body: refusal.toJSON(), internal: false };
  const status = (error as FastifyError | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    const refused = new MillraceError(
      'MR_BODY_INVALID',
      error instanceof Error ? error.message : 'the request is not well formed',
    );
    return { status: ERRORS.MR_BODY_INVALID.status, body: refused.toJSON(), internal: false };
  }
  const message = `internal error: the server's log has the cause, under request ${request.id}`;
  return {
    status: 500,
    body: { code: 'MR_INTERNAL', message, details: { request: request.id } },
    internal: true,
  };
};

/** The headers of a refusal of access or of a rate limit. */
export const setRefusalHeaders = (error: unknown, reply: FastifyReply): void => {
  if (!(error instanceof MillraceError)) return;
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  // It may have the secret of a key, as the answer that it replaces.
  if (error.code === 'MR_APPROVAL_REQUIRED') reply.header('cache-control', 'no-store');
  const { retryAfterMs } = error.details;
  const waits = error.status === 429 || error.code === 'MR_MAINTENANCE';
  if (waits && typeof retryAfterMs === 'number')
    reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
};
