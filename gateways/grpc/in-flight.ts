/**
 * Messages that are being taken in or worked on have a budget, over all calls. A call whose
 * messages no longer fit ends with UNAVAILABLE and MR_OVERLOADED. What it held is given back as its
 * messages are answered, and all of it at its end.
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

/**
 * What a call may hold that is not counted: as much for each of a connection's streams is still
 * little.
 */
const UNCOUNTED_BYTES = 16 * 1024;

export const inFlightInterceptor =
  (budget: ByteBudget): ServerInterceptor =>
  (method, call) => {
    // The innermost call has its stream, though its types do not say so; tests/hostile holds that
    // it does.
    const { stream } = call as unknown as { readonly stream?: ServerHttp2Stream };
    if (stream === undefined) return new ServerInterceptingCall(call);
    /** in the order of arrival: bytes of messages that are not answered yet */
    const sizes: number[] = [];
    let arrived = 0;
    let held = 0;
    let counted = 0;
    let over = false;
    const count = (): boolean => {
      const wanted = held > UNCOUNTED_BYTES ? held : 0;
      if (wanted > counted && !budget.take(wanted - counted)) return false;
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
    // One that stands for itself: its interface is all that is asked of it.
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
