/**
 * What is written of a request once it has been answered: failures, refusals and slow ones always,
 * the rest at `debug` only. A refusal's message is for its caller and quotes what was sent: the log
 * has its code.
 */
import type { ErrorCode } from '#domain/errors.ts';
import type { Logger, LogLevel } from '#domain/ports/logger.ts';

export interface AnsweredRequest {
  readonly protocol: 'http' | 'grpc';
  /** as it was declared, without what was asked for in it */
  readonly route: string;
  readonly status: number | string;
  readonly durationMs: number;
  readonly refusal: ErrorCode | null;
  readonly failed: boolean;
  readonly requestId: string;
  readonly traceId: string | undefined;
  /** asked for only where a line is written */
  readonly actor: () => string | undefined;
}

export interface RequestLog {
  /**
   * Whether such a request has a line: asked first, so that one that has none costs nothing else.
   */
  readonly wants: (durationMs: number, refused: boolean) => boolean;
  readonly tell: (request: AnsweredRequest) => void;
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
    // who does not say who they are was refused for it
    return undefined;
  }
};

export const createRequestLog = (log: Logger, slowMs = SLOW_MS): RequestLog => {
  const all = log.writes('debug');
  return {
    wants: (durationMs, refused) => all || refused || durationMs >= slowMs,
    tell(request) {
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

/** Of what no caller is shown: the request by its id, and the cause as it was thrown. */
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
