/**
 * Requests that are not well-formed HTTP, or too slow, never reach a route: they are answered on
 * the socket itself.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { MillraceError } from '#domain/errors.ts';
import { durationText } from '#domain/values/duration.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

const refusalOf = (
  code: string | undefined,
  { headMs, requestMs }: GatewayLimits,
): MillraceError => {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new MillraceError(
      'MR_REQUEST_TIMEOUT',
      `the request was too slow: its headers may take ${durationText(headMs)}, all of it ${durationText(requestMs)}`,
      { headMs, requestMs },
    );
  if (code === 'HPE_HEADER_OVERFLOW')
    return new MillraceError(
      'MR_BODY_TOO_LARGE',
      'the headers of the request are larger than 16 KiB',
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
      ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
    ];
    // The socket does not wait for a client that does not read.
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  };
