/** Handlers as plain async functions: what they throw becomes a refusal, and streams are answered in order with bounded work. */
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js';
import { type ErrorCode, fail } from '#domain/errors.ts';
import type { Caller } from '#gateways/platform.ts';
import { scopeOf } from './call-scope.ts';
import { refusalOf, statusObjectOf } from './refusal.ts';
import type { GrpcContext } from './service.ts';

const ANONYMOUS = 'anonymous@loopback';
const MAX_ACTOR = 200;

const named = (metadata: Metadata, actor: string): Caller => {
  const scope = scopeOf(metadata);
  if (scope === null) return { actor };
  const { requestId, trace } = scope;
  return trace === null ? { actor, requestId } : { actor, requestId, trace };
};

export const callerOf = (metadata: Metadata): Caller => {
  const [actor] = metadata.get('x-millrace-actor');
  if (actor === undefined || actor === '') return named(metadata, ANONYMOUS);
  if (typeof actor !== 'string' || actor.length > MAX_ACTOR)
    return fail('MR_PARAMETER_INVALID', `metadata x-millrace-actor must be of at most ${MAX_ACTOR} characters`, {
      parameter: 'x-millrace-actor',
    });
  return named(metadata, actor);
};

/** What is known of any call, however it is answered. */
export interface IncomingCall {
  readonly metadata: Metadata;
  readonly getDeadline: () => Date | number;
}

/** Milliseconds until the call's deadline; null: it has none. */
export const remainingMs = (call: Pick<IncomingCall, 'getDeadline'>): number | null => {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? Math.max(1, deadline - Date.now()) : null;
};

export const unary =
  <Request, Answer>(
    { onInternalError, openScope }: GrpcContext,
    answer: (request: Request, call: ServerUnaryCall<Request, Answer>) => Promise<Answer>,
  ): handleUnaryCall<Request, Answer> =>
  (call, callback) => {
    const scope = openScope(call);
    // A refusal may be thrown at once, too.
    Promise.resolve()
      .then(() => answer(call.request, call))
      .then(
        (value) => {
          callback(null, value);
          scope.over(status.OK, null);
        },
        (error: unknown) => {
          const refused = statusObjectOf(error, (cause) => onInternalError(cause, scope.requestId));
          callback(refused);
          scope.over(refused.code, refusalOf(error)?.code ?? 'MR_INTERNAL');
        },
      );
  };

/** Requests of one call that are worked on at once; more are left in the connection's window. */
const WINDOW = 32;

/**
 * Answers in the order of the requests. A request that is refused is answered with its refusal: what came before and comes after is not
 * its business.
 */
export const duplex =
  <Request, Answer>(
    { onInternalError, openScope }: GrpcContext,
    answer: (request: Request, call: ServerDuplexStream<Request, Answer>) => Promise<Answer>,
    refused: (code: string, message: string, details: Readonly<Record<string, unknown>>) => Answer,
  ): handleBidiStreamingCall<Request, Answer> =>
  (call) => {
    const scope = openScope(call);
    /** the newest refusal of one of its messages */
    let refusedWith: ErrorCode | null = null;
    let open = true;
    const over = (code: status): void => {
      if (open) scope.over(code, refusedWith);
      open = false;
    };
    let working = 0;
    let written: Promise<void> = Promise.resolve();
    const drained = (): Promise<void> =>
      new Promise((resolve) => {
        const go = (): void => {
          for (const event of ['drain', 'close', 'error', 'cancelled']) call.removeListener(event, go);
          resolve();
        };
        for (const event of ['drain', 'close', 'error', 'cancelled']) call.once(event, go);
      });
    const answered = async (request: Request): Promise<Answer> => {
      try {
        return await answer(request, call);
      } catch (error) {
        const refusal = refusalOf(error);
        refusedWith = refusal?.code ?? 'MR_INTERNAL';
        if (refusal !== null) return refused(refusal.code, refusal.message, refusal.details);
        onInternalError(error, scope.requestId);
        return refused('MR_INTERNAL', 'something went wrong in the server; its log has the cause', {});
      }
    };
    call.on('data', (request: Request) => {
      working++;
      if (working >= WINDOW) call.pause();
      const value = answered(request);
      written = written.then(async () => {
        const ready = await value;
        if (!call.cancelled && !call.write(ready)) await drained();
        working--;
        if (working < WINDOW) call.resume();
      });
    });
    call.on('end', () => {
      void written.then(() => {
        call.end();
        over(status.OK);
      });
    });
    // The other side went away: nothing is owed to it.
    call.on('error', () => over(status.CANCELLED));
    call.on('cancelled', () => over(status.CANCELLED));
  };
