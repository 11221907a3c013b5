/**
 * What is no request, or comes too slowly to be one, never reaches a route: it is answered on the
 * bare socket.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { MillraceError } from '#domain/errors.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';

const refusalOf = (
  code: string | undefined,
  { headMs, requestMs }: GatewayLimits,
): MillraceError => {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new MillraceError(
      'MR_REQUEST_TIMEOUT',
      `the request did not come in time: its head may take ${headMs} ms, all of it ${requestMs} ms`,
      { headMs, requestMs },
    );
  if (code === 'HPE_HEADER_OVERFLOW')
    return new MillraceError(
      'MR_BODY_TOO_LARGE',
      'the head of the request is too large: 16 KiB are taken',
    );
  return new MillraceError('MR_BODY_INVALID', 'the request is not well-formed HTTP');
};

export const clientErrorHandler =
  (limits: GatewayLimits) =>
  (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const refused = refusalOf(error.code, limits);
    const body = JSON.stringify(refused);
    const head = [
      `HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ];
    // Whoever does not take it is not waited for.
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  };
