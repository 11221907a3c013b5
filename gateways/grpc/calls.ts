/**
 * Handlers as plain async functions: what they throw becomes a refusal, and streams are answered in
 * order with bounded work.
 */
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js';
import type { Caller } from '#domain/api/caller.ts';
import type { ErrorCode } from '#domain/errors.ts';
import { checkMessage } from './broken-message.ts';
import type { CallScope } from './call-scope.ts';
import { callerOf } from './caller.ts';
import { refusalOf, statusObjectOf } from './refusal.ts';
import type { GrpcContext } from './service.ts';

/** What is known of any call, however it is answered. */
export interface IncomingCall {
  readonly metadata: Metadata;
  readonly getDeadline: () => Date | number;
  readonly getPeer: () => string;
}

/** Milliseconds until the call's deadline; null: it has none. */
export const remainingMs = (call: Pick<IncomingCall, 'getDeadline'>): number | null => {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? Math.max(1, deadline - Date.now()) : null;
};

/**
 * With who asks. Of a stream each message is asked anew, so that a key that is revoked meanwhile is
 * let in no more. That every handler is made by `unary` or `duplex`, which ask, or says that it is
 * `open`, is held by the types of neither: by tests/access, which calls all.
 */
const asked = <Answer>(
  context: GrpcContext,
  call: IncomingCall,
  scope: CallScope,
  answer: (caller: Caller) => Promise<Answer>,
): Promise<Answer> => {
  const caller = callerOf(context, call, scope);
  return caller instanceof Promise ? caller.then(answer) : answer(caller);
};

/** A call that says nothing of this platform but what it is. */
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
    // A refusal may be thrown at once, too.
    try {
      checkMessage(call.request);
      asked(context, call, scope, (caller) => answer(call.request, call, caller)).then((value) => {
        callback(null, value);
        scope.over(status.OK, null);
      }, refuse);
    } catch (error) {
      refuse(error);
    }
  };

/** Requests of one call that are worked on at once; more are left in the connection's window. */
const WINDOW = 32;

/**
 * Answers in the order of the requests. A request that is refused is answered with its refusal:
 * what came before and comes after is not its business.
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
    let working = 0;
    let written: Promise<void> = Promise.resolve();
    const drained = (): Promise<void> =>
      new Promise((resolve) => {
        const go = (): void => {
          for (const event of ['drain', 'close', 'error', 'cancelled'])
            call.removeListener(event, go);
          resolve();
        };
        for (const event of ['drain', 'close', 'error', 'cancelled']) call.once(event, go);
      });
    const answered = async (request: Request): Promise<Answer> => {
      try {
        checkMessage(request);
        return await asked(context, call, scope, (caller) => answer(request, call, caller));
      } catch (error) {
        const refusal = refusalOf(error);
        refusedWith = refusal?.code ?? 'MR_INTERNAL';
        if (refusal !== null) return refused(refusal.code, refusal.message, refusal.details);
        onInternalError(error, scope.requestId);
        return refused(
          'MR_INTERNAL',
          'something went wrong in the server; its log has the cause',
          {},
        );
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
