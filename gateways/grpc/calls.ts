/**
 * gRPC handlers from plain async functions: what these throw becomes a refusal. Streams are
 * answered in order, with a bounded number of requests in progress.
 */
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js';
import type { Caller } from '#domain/api/caller.ts';
import type { ErrorCode } from '#domain/errors.ts';
import { checkMessage } from './broken-message.ts';
import type { CallScope } from './call-scope.ts';
import { callerOf } from './caller.ts';
import { INTERNAL_MESSAGE, refusalOf, statusObjectOf } from './refusal.ts';
import type { GrpcContext, IncomingCall } from './service-module.ts';

/** Milliseconds until the call's deadline; null: it has none. */
export const remainingMs = (call: Pick<IncomingCall, 'getDeadline'>): number | null => {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? Math.max(1, deadline - Date.now()) : null;
};

/**
 * Authenticates the caller, then answers. Each message of a stream is authenticated on its own, so
 * that a revoked key stops working at once. The types do not ensure that every handler is made by
 * `unary`, `duplex` or `open`: tests/access calls all of them.
 */
const authenticated = <Answer>(
  context: GrpcContext,
  call: IncomingCall,
  scope: CallScope,
  answer: (caller: Caller) => Promise<Answer>,
): Promise<Answer> => {
  const caller = callerOf(context, call, scope);
  return caller instanceof Promise ? caller.then(answer) : answer(caller);
};

/** A call without authentication: its answer only shows which API this is. */
export const open = <Request, Answer>(
  { access: _, ...context }: GrpcContext,
  answer: (request: Request) => Promise<Answer>,
): handleUnaryCall<Request, Answer> => unary<Request, Answer>(context, answer);

export const unary =
  <Request, Answer>(
    context: GrpcContext,
    answer: (
      request: Request,
      call: ServerUnaryCall<Request, Answer>,
      caller: Caller,
    ) => Promise<Answer>,
  ): handleUnaryCall<Request, Answer> =>
  (call, callback) => {
    const { onInternalError, openScope } = context;
    const scope = openScope(call);
    const refuse = (error: unknown): void => {
      const refused = statusObjectOf(error, (cause) => onInternalError(cause, scope.requestId));
      callback(refused);
      scope.over(refused.code, refusalOf(error)?.code ?? 'MR_INTERNAL');
    };
    // Some refusals are thrown before there is a promise.
    try {
      checkMessage(call.request);
      authenticated(context, call, scope, (caller) => answer(call.request, call, caller)).then(
        (value) => {
          callback(null, value);
          scope.over(status.OK, null);
        },
        refuse,
      );
    } catch (error) {
      refuse(error);
    }
  };

/** After these, a call that took no more can be written to again, or never will be. */
const DRAINED = ['drain', 'close', 'error', 'cancelled'] as const;

/** Requests of one call in progress at once; further ones wait in the connection's window. */
const WINDOW = 32;

/**
 * Answers in the order of the requests. A refused request is answered with its refusal, and the
 * stream goes on.
 */
export const duplex =
  <Request, Answer>(
    context: GrpcContext,
    answer: (
      request: Request,
      call: ServerDuplexStream<Request, Answer>,
      caller: Caller,
    ) => Promise<Answer>,
    refused: (code: string, message: string, details: Readonly<Record<string, unknown>>) => Answer,
  ): handleBidiStreamingCall<Request, Answer> =>
  (call) => {
    const { onInternalError, openScope } = context;
    const scope = openScope(call);
    /** the newest refusal of one of its messages */
    let refusedWith: ErrorCode | null = null;
    let running = true;
    const over = (code: status): void => {
      if (running) scope.over(code, refusedWith);
      running = false;
    };
    /** the requests without a written answer, in order; `answer` is undefined until it is there */
    const waiting: { answer: Answer | undefined }[] = [];
    let isFull = false;
    let isEnded = false;
    /** Goes on when the connection takes more. */
    const whenDrained = (): void => {
      const go = (): void => {
        for (const event of DRAINED) call.removeListener(event, go);
        isFull = false;
        write();
      };
      for (const event of DRAINED) call.once(event, go);
    };
    /** Writes the answers that are there, up to the first one that is not. */
    const write = (): void => {
      for (let first = waiting[0]; first?.answer !== undefined && !isFull; first = waiting[0]) {
        waiting.shift();
        if (call.cancelled || call.write(first.answer)) continue;
        isFull = true;
        whenDrained();
      }
      if (waiting.length < WINDOW && call.isPaused()) call.resume();
      if (!isEnded || isFull || waiting.length > 0 || !running) return;
      call.end();
      over(status.OK);
    };
    const answered = async (request: Request): Promise<Answer> => {
      try {
        checkMessage(request);
        return await authenticated(context, call, scope, (caller) => answer(request, call, caller));
      } catch (error) {
        const refusal = refusalOf(error);
        refusedWith = refusal?.code ?? 'MR_INTERNAL';
        if (refusal !== null) return refused(refusal.code, refusal.message, refusal.details);
        onInternalError(error, scope.requestId);
        return refused('MR_INTERNAL', INTERNAL_MESSAGE, {});
      }
    };
    call.on('data', (request: Request) => {
      const one: (typeof waiting)[number] = { answer: undefined };
      if (waiting.push(one) >= WINDOW) call.pause();
      void answered(request).then((ready) => {
        one.answer = ready;
        write();
      });
    });
    call.on('end', () => {
      isEnded = true;
      write();
    });
    // The client is gone.
    call.on('error', () => over(status.CANCELLED));
    call.on('cancelled', () => over(status.CANCELLED));
  };
