/**
 * What a call holds of the budgets that HTTP has too (gateways/shared): bytes of messages in
 * progress, and bytes of answers that its client has not read. The interceptor opens a call when
 * its stream begins; the handler finds it by its metadata, once its caller is known.
 */
import type { ServerHttp2Stream } from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';
import type { Principal } from '#domain/authorization/principal.ts';
import { type ByteBudget, createByteBudget } from '#gateways/shared/byte-budget.ts';
import { budgetOwner } from '#gateways/shared/caller.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { watchUnread } from '#gateways/shared/unread.ts';

/** null: callers are not authenticated */
export type Authenticated = Principal | null | Promise<Principal>;

export interface OpenCall {
  readonly stream: ServerHttp2Stream;
  /**
   * of the message that was authenticated before it was complete, also while that goes on;
   * undefined: of none, or it was used
   */
  principal: Authenticated | undefined;
}

export interface CallBudgets {
  readonly inFlight: ByteBudget;
  readonly open: (metadata: Metadata, stream: ServerHttp2Stream) => OpenCall;
  readonly close: (call: OpenCall) => void;
  /** The principal of a message, once; undefined: the message has to be authenticated. */
  readonly takePrincipal: (metadata: Metadata) => Authenticated | undefined;
  /**
   * A message of the call is about to be answered.
   * @throws MR_OVERLOADED where too much of what the caller was sent is unread
   */
  readonly admit: (metadata: Metadata, principal: Principal | null) => void;
  readonly stop: () => void;
}

export const createCallBudgets = (limits: GatewayLimits): CallBudgets => {
  const calls = new WeakMap<Metadata, OpenCall>();
  const unread = watchUnread<ServerHttp2Stream>(limits, (stream) => stream.close());
  return {
    inFlight: createByteBudget(limits.inFlightBytes, limits.callerInFlightBytes),
    open(metadata, stream) {
      const call: OpenCall = { stream, principal: undefined };
      calls.set(metadata, call);
      unread.open(stream);
      return call;
    },
    close: ({ stream }) => unread.close(stream),
    takePrincipal(metadata) {
      const call = calls.get(metadata);
      const principal = call?.principal;
      if (call !== undefined) call.principal = undefined;
      return principal;
    },
    admit(metadata, principal) {
      const call = calls.get(metadata);
      if (call === undefined) return;
      const caller = budgetOwner(principal);
      unread.assign(call.stream, caller);
      const refusal = unread.refusal(caller);
      if (refusal !== null) throw refusal;
    },
    stop: unread.stop,
  };
};
