/**
 * A budget for the bytes of the messages in progress, over all calls. A call whose messages no
 * longer fit ends with UNAVAILABLE and MR_OVERLOADED. The bytes of a message are returned to the
 * budget when it is answered, and all bytes of a call at its end.
 */
import type { ServerHttp2Stream } from 'node:http2';
import {
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { type ByteBudget, overloaded } from '#gateways/shared/byte-budget.ts';
import { statusObjectOf } from './refusal.ts';

/** Bytes of a call that are not counted: so many for each stream are still little memory. */
const UNCOUNTED_BYTES = 16 * 1024;

export const inFlightInterceptor =
  (budget: ByteBudget): ServerInterceptor =>
  (method, call) => {
    // The innermost call has a stream, which its types do not declare; tests/hostile checks that it
    // has.
    const { stream } = call as unknown as { readonly stream?: ServerHttp2Stream };
    if (stream === undefined) return new ServerInterceptingCall(call);
    /** bytes of the messages without an answer, in the order of arrival */
    const sizes: number[] = [];
    let arrived = 0;
    let held = 0;
    let counted = 0;
    let over = false;
    const count = (): boolean => {
      const wanted = held > UNCOUNTED_BYTES ? held : 0;
      if (wanted > counted && budget.take(wanted - counted) !== null) return false;
      if (wanted < counted) budget.give(counted - wanted);
      counted = wanted;
      return true;
    };
    const give = (bytes: number): void => {
      held -= bytes;
      count();
    };
    stream.on('data', (chunk: Buffer) => {
      arrived += chunk.length;
      held += chunk.length;
      if (over || count()) return;
      over = true;
      call.sendStatus(
        statusObjectOf(overloaded('messages in flight', budget.limit), () => undefined),
      );
      stream.close();
    });
    stream.once('close', () => give(held));
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
