/**
 * A refusal over gRPC: the status of its kind, and in the trailing metadata its code and details,
 * as HTTP gives them.
 */
import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { ERRORS, type ErrorCode, MillraceError } from '#domain/errors.ts';

const BY_HTTP: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  409: status.FAILED_PRECONDITION,
  413: status.RESOURCE_EXHAUSTED,
  415: status.INVALID_ARGUMENT,
  429: status.RESOURCE_EXHAUSTED,
  500: status.INTERNAL,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
  507: status.RESOURCE_EXHAUSTED,
};

export const statusOf = (code: ErrorCode): status =>
  BY_HTTP[ERRORS[code].status] ?? status.INTERNAL;

export const CODE = 'millrace-code';
export const DETAILS = 'millrace-details';
/** Trailers share one frame with the rest of the head: what does not fit is left out. */
const MAX_DETAILS = 2000;

/** Metadata is ASCII: JSON's own escapes say the rest. */
const ascii = (text: string): string =>
  text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

export const refusalOf = (error: unknown): MillraceError | null =>
  error instanceof MillraceError ? error : null;

/** @param onInternal is told of what is no refusal */
export const statusObjectOf = (
  error: unknown,
  onInternal: (error: unknown) => void,
): StatusObject => {
  const refusal = refusalOf(error);
  const metadata = new Metadata();
  if (refusal === null) {
    onInternal(error);
    metadata.set(CODE, 'MR_INTERNAL');
    return {
      code: status.INTERNAL,
      details: 'something went wrong in the server; its log has the cause',
      metadata,
    };
  }
  metadata.set(CODE, refusal.code);
  const details = ascii(JSON.stringify(refusal.details));
  if (details.length <= MAX_DETAILS) metadata.set(DETAILS, details);
  return { code: statusOf(refusal.code), details: refusal.message, metadata };
};

/** The client's side of it; null: not of a Millrace server. */
export const refusalOfServiceError = ({
  details,
  metadata,
}: ServiceError): MillraceError | null => {
  const [code] = metadata?.get(CODE) ?? [];
  if (typeof code !== 'string' || !(code in ERRORS)) return null;
  const [more] = metadata.get(DETAILS);
  return new MillraceError(
    code as ErrorCode,
    details,
    typeof more === 'string' ? JSON.parse(more) : {},
  );
};
