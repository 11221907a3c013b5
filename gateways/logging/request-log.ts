/**
 * The log line of an answered request. Failed, refused and slow requests always have one, others
 * only at `debug`. It has the code of a refusal, not its message, which may quote data of the
 * caller.
 */
import type { ErrorCode } from '#domain/errors.ts';
import type { Logger, LogLevel } from '#domain/ports/logger.ts';

export interface AnsweredRequest {
  readonly protocol: 'http' | 'grpc';
  /** as declared, without the values in its path */
  readonly route: string;
  readonly status: number | string;
  readonly durationMs: number;
  readonly refusal: ErrorCode | null;
  readonly failed: boolean;
  readonly requestId: string;
  readonly traceId: string | undefined;
  /** called only if a line is written */
  readonly actor: () => string | undefined;
}

export interface RequestLog {
  /** Whether such a request gets a line: a cheap check before its details are collected. */
  readonly wants: (durationMs: number, refused: boolean) => boolean;
  readonly add: (request: AnsweredRequest) => void;
}

export const SLOW_MS = 1_000;

const levelOf = ({ failed, refusal, durationMs }: AnsweredRequest, slowMs: number): LogLevel => {
  if (failed) return 'error';
  if (durationMs >= slowMs) return 'warn';
  return refusal === null ? 'debug' : 'info';
};

const MESSAGES: Readonly<Record<LogLevel, string>> = {
  error: 'request failed',
  warn: 'request was slow',
  info: 'request refused',
  debug: 'request answered',
};

const actorOf = (request: AnsweredRequest): string | undefined => {
  try {
    return request.actor();
  } catch {
    // the refusal is that the caller has no valid name
    return undefined;
  }
};

export const createRequestLog = (log: Logger, slowMs = SLOW_MS): RequestLog => {
  const all = log.writes('debug');
  return {
    wants: (durationMs, refused) => all || refused || durationMs >= slowMs,
    add(request) {
      const level = levelOf(request, slowMs);
      if (!log.writes(level)) return;
      const { protocol, route, status, durationMs, refusal, requestId, traceId } = request;
      log.log(level, MESSAGES[level], {
        request: requestId,
        trace: traceId,
        actor: actorOf(request),
        protocol,
        route,
        status,
        ms: Math.round(durationMs * 1000) / 1000,
        code: refusal,
      });
    },
  };
};

/** Logs the cause of an internal error, which callers do not see, with the id of the request. */
export const logInternalError = (
  log: Logger | undefined,
): ((error: unknown, request: string) => void) =>
  log === undefined
    ? (error, request) => console.error(`request ${request} failed:`, error)
    : (error, request) =>
        log.log('error', 'internal error', {
          request,
          error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
          stack: error instanceof Error ? error.stack : undefined,
        });
