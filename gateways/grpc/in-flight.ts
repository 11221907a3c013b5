/**
 * The bytes of the messages in progress, over all calls and of each caller. A call whose messages
 * no longer fit ends with UNAVAILABLE and MR_OVERLOADED. The bytes of a message are returned to the
 * budget when it is answered, and all bytes of a call at its end.
 *
 * A call is authenticated as soon as its bytes count, so that a message that never ends is within
 * the budget of its caller, and a stranger's large message is refused before it is complete.
 */
import type { ServerHttp2Stream } from 'node:http2';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import type { Principal } from '#domain/authorization/principal.ts';
import { budgetRefusal } from '#gateways/shared/byte-budget.ts';
import { budgetOwner } from '#gateways/shared/caller.ts';
import type { Authenticated, CallBudgets } from './call-budgets.ts';
import { statusObjectOf } from './refusal.ts';

/** Bytes of a call that are not counted: so many for each stream are still little memory. */
const UNCOUNTED_BYTES = 16 * 1024;

/** @throws the refusals of authentication */
export type Authenticate = (metadata: Metadata, peer: string) => Authenticated;

export const inFlightInterceptor =
  (budgets: CallBudgets, authenticate: Authenticate): ServerInterceptor =>
  (method, call) => {
    // The innermost call has both, which its types do not declare; tests/hostile checks that it
    // has.
    const { stream, metadata } = call as unknown as {
      readonly stream?: ServerHttp2Stream;
      readonly metadata?: Metadata;
    };
    if (stream === undefined || metadata === undefined) return new ServerInterceptingCall(call);
    const { inFlight } = budgets;
    const opened = budgets.open(metadata, stream);
    /** bytes of the messages without an answer, in the order of arrival */
    const sizes: number[] = [];
    let arrived = 0;
    let held = 0;
    let counted = 0;
    /** whose budget the counted bytes are in, too; undefined: in that of all only */
    let caller: string | undefined;
    let isKnown = false;
    let over = false;
    const refuse = (error: unknown): void => {
      if (over || stream.destroyed) return;
      over = true;
      call.sendStatus(statusObjectOf(error, () => undefined));
      stream.close();
    };
    const count = (): void => {
      const wanted = held > UNCOUNTED_BYTES && !stream.destroyed ? held : 0;
      if (wanted > counted) {
        const full = inFlight.take(wanted - counted, caller);
        if (full !== null) return refuse(budgetRefusal(inFlight, full, 'messages'));
      } else if (wanted < counted) inFlight.give(counted - wanted, caller);
      counted = wanted;
    };
    const known = (principal: Principal | null): void => {
      if (counted > 0) inFlight.give(counted, caller);
      counted = 0;
      caller = budgetOwner(principal);
      count();
    };
    const identify = (): void => {
      isKnown = true;
      try {
        const found = authenticate(metadata, call.getPeer());
        // The message may be complete before a promise resolves.
        opened.principal = found;
        if (found instanceof Promise) found.then(known, refuse);
        else known(found);
      } catch (error) {
        refuse(error);
      }
    };
    const give = (bytes: number): void => {
      held -= bytes;
      count();
    };
    stream.on('data', (chunk: Buffer) => {
      arrived += chunk.length;
      held += chunk.length;
      if (over) return;
      if (held > UNCOUNTED_BYTES && !isKnown) identify();
      count();
    });
    stream.once('close', () => {
      held = 0;
      count();
      budgets.close(opened);
    });
    // Without changes the call itself has the interface of an intercepting call.
    if (!method.requestStream) return call as ServerInterceptingCall;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMessage((message, next) => {
        sizes.push(arrived);
        arrived = 0;
        next(message);
      })
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => next(listener))
      .withSendMessage((message, next) => {
        give(Math.min(held, sizes.shift() ?? 0));
        next(message);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };
