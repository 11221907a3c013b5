/**
 * The scope of one call: its request id, its span if it is traced, and what the metrics, the trace
 * and the log record at its end. The messages of a stream share one scope.
 */
import { Metadata, status } from '@grpc/grpc-js';
import type { Platform } from '#domain/api/platform.ts';
import type { ErrorCode } from '#domain/errors.ts';
import type { RequestMeter } from '#domain/ports/request-meter.ts';
import { inTrace, type TraceContext } from '#domain/ports/tracing.ts';

import type { RequestLog } from '#gateways/logging/request-log.ts';
import { ANONYMOUS } from '#gateways/shared/caller.ts';
import { REQUEST_ID, requestIds } from '#gateways/shared/request-id.ts';

interface ScopedCall {
  readonly metadata: Metadata;
  readonly getPath: () => string;
  readonly sendMetadata: (metadata: Metadata) => void;
}

export interface CallScope {
  readonly requestId: string;
  readonly trace: TraceContext | null;
  /** set by authentication; null: not authenticated, and the caller did not name itself */
  actor: string | null;
  /** Called once, at the end of the call. @param refusal null: the call was answered */
  readonly over: (code: status, refusal: ErrorCode | null) => void;
}

export type OpenScope = (call: ScopedCall) => CallScope;

interface ScopeOptions {
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
    // Only calls of known services get here: the paths are a closed list.
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
    const headers = new Metadata();
    headers.set(REQUEST_ID, requestId);
    call.sendMetadata(headers);
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
          log.add({
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
