/**
 * A refusal over gRPC: the gRPC status for its HTTP status, and its code and details in the
 * trailing metadata.
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
/** Trailers must fit into one frame with the other headers: longer details are left out. */
const MAX_DETAILS = 2000;

/** Metadata is ASCII: other characters become JSON's escapes. */
const ascii = (text: string): string =>
  text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** What callers see of an internal error. */
export const INTERNAL_MESSAGE = "internal error: the server's log has the cause";

export const refusalOf = (error: unknown): MillraceError | null =>
  error instanceof MillraceError ? error : null;

/** @param onInternal gets an error that is not a refusal */
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
      details: INTERNAL_MESSAGE,
      metadata,
    };
  }
  metadata.set(CODE, refusal.code);
  const details = ascii(JSON.stringify(refusal.details));
  if (details.length <= MAX_DETAILS) metadata.set(DETAILS, details);
  return { code: statusOf(refusal.code), details: refusal.message, metadata };
};

/** The refusal that a client received; null: the error is not from a Millrace server. */
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
