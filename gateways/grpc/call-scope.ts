/**
 * What goes with a call from its first word to its status: its request id, its span where it is
 * traced, and what is told of it in the end, to the metrics, the trace and the log. One a call: the
 * messages of a stream share it.
 */
import { Metadata, status } from '@grpc/grpc-js';
import type { Platform } from '#domain/api/platform.ts';
import type { ErrorCode } from '#domain/errors.ts';
import type { RequestMeter } from '#domain/ports/request-meter.ts';
import { inTrace, type TraceContext } from '#domain/ports/tracing.ts';
import { ANONYMOUS } from '#gateways/actor.ts';
import type { RequestLog } from '#gateways/logging/request-log.ts';
import { REQUEST_ID, requestIds } from '#gateways/request-id.ts';

export interface ScopedCall {
  readonly metadata: Metadata;
  readonly getPath: () => string;
  readonly sendMetadata: (metadata: Metadata) => void;
}

export interface CallScope {
  readonly requestId: string;
  readonly trace: TraceContext | null;
  /** who called, once he has been asked; null: nobody was, or he did not say */
  actor: string | null;
  /** Once, when the call is over. @param refusal null: it was answered */
  readonly over: (code: status, refusal: ErrorCode | null) => void;
}

export type OpenScope = (call: ScopedCall) => CallScope;

export interface ScopeOptions {
  readonly platform: Pick<Platform, 'requests' | 'tracing'>;
  readonly log: RequestLog | null;
}

const FAILED = new Set([status.INTERNAL, status.UNKNOWN, status.DATA_LOSS]);

export const createScopes = ({ platform, log }: ScopeOptions): OpenScope => {
  const { requests, tracing } = platform;
  const idOf = requestIds();
  const meters = new Map<string, RequestMeter>();
  const meterOf = (path: string): RequestMeter | null => {
    if (requests === undefined) return null;
    let meter = meters.get(path);
    // only calls of services that are served get here: the paths are a closed list
    if (meter === undefined) meters.set(path, (meter = requests.route('grpc', path)));
    return meter;
  };
  const spanOf = (path: string, requestId: string, metadata: Metadata) => {
    if (tracing === undefined) return null;
    const [traceparent] = metadata.get('traceparent');
    const [tracestate] = metadata.get('tracestate');
    const [service = '', method = ''] = path.slice(1).split('/');
    return tracing.start(path.slice(1), {
      kind: 'server',
      parent: inTrace({ traceparent, tracestate }),
      attributes: () => ({
        'rpc.system': 'grpc',
        'rpc.service': service,
        'rpc.method': method,
        'millrace.request_id': requestId,
      }),
    });
  };

  return (call) => {
    const started = performance.now();
    const { metadata } = call;
    const path = call.getPath();
    const requestId = idOf(metadata.get(REQUEST_ID)[0]);
    const answered = new Metadata();
    answered.set(REQUEST_ID, requestId);
    call.sendMetadata(answered);
    const span = spanOf(path, requestId, metadata);
    const scope: CallScope = {
      requestId,
      trace: span === null ? null : span.context,
      actor: null,
      over(code, refusal) {
        const durationMs = performance.now() - started;
        const failed = FAILED.has(code);
        const named = status[code];
        meterOf(path)?.(durationMs / 1000, named, refusal);
        span?.set({
          'rpc.grpc.status_code': code,
          ...(refusal === null ? {} : { 'error.type': refusal }),
        });
        span?.end({ failed });
        if (log?.wants(durationMs, code !== status.OK || refusal !== null) === true)
          log.tell({
            protocol: 'grpc',
            route: path,
            status: named,
            durationMs,
            refusal,
            failed,
            requestId,
            traceId: span?.traceId,
            actor: () => scope.actor ?? ANONYMOUS,
          });
      },
    };
    return scope;
  };
};
