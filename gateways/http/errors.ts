/**
 * Every failure leaves as {code, message, details} with the table's status: refusals of the
 * platform as they are, what Fastify refuses in our codes, and anything else as MR_INTERNAL under
 * the request's id, its stack going to the server's log only.
 */
import type { FastifyError, FastifyRequest } from 'fastify';
import { ERRORS, type ErrorCode, MillraceError } from '#domain/errors.ts';
import type { HttpLimits } from '#gateways/shared/limits.ts';

const BODY_FORMS = 'application/json, or application/x-ndjson for events';

interface Refused {
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

const describe = (context: string, refused: Refused): string => {
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
      return `${where} ${refused.message ?? 'is not of the right form'}`;
  }
};

const ofValidation = (error: FastifyError): MillraceError => {
  const context = error.validationContext ?? 'body';
  const [refused] = (error.validation ?? []) as readonly Refused[];
  const message =
    refused === undefined
      ? error.message
      : describe(context === 'body' ? 'body' : 'query', refused);
  return new MillraceError(
    context === 'body' ? 'MR_BODY_INVALID' : 'MR_PARAMETER_INVALID',
    `${message}; /docs shows the form`,
    {
      at: refused?.instancePath ?? '',
    },
  );
};

const FASTIFY: Readonly<
  Record<string, (error: FastifyError, limits: HttpLimits) => MillraceError>
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
    new MillraceError('MR_BODY_INVALID', 'the body is not as long as its content-length says'),
  FST_ERR_BAD_URL: () =>
    new MillraceError('MR_ROUTE_NOT_FOUND', 'the path has a percent sign that encodes nothing'),
};

export interface ErrorAnswer {
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
  limits: HttpLimits,
): ErrorAnswer => {
  const known =
    error instanceof MillraceError
      ? error
      : FASTIFY[(error as FastifyError | null)?.code ?? '']?.(error as FastifyError, limits);
  if (known !== undefined)
    return { status: ERRORS[known.code].status, body: known.toJSON(), internal: false };
  const status = (error as FastifyError | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    const refused = new MillraceError(
      'MR_BODY_INVALID',
      error instanceof Error ? error.message : 'the request is not well formed',
    );
    return { status: ERRORS.MR_BODY_INVALID.status, body: refused.toJSON(), internal: false };
  }
  const message = `something went wrong in the server; its log has the cause under request ${request.id}`;
  return {
    status: 500,
    body: { code: 'MR_INTERNAL', message, details: { request: request.id } },
    internal: true,
  };
};
