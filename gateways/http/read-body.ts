/**
 * Reads bodies, within the limit of one body and the budget of all. Fastify's own reader has no
 * such budget. Small bodies are not counted, so they cost nothing. The bytes of a body are returned
 * to the budget when its answer is sent or its connection is closed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { MillraceError } from '#domain/errors.ts';
import { type ByteBudget, budgetRefusal } from '#gateways/shared/byte-budget.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { callerId } from './caller.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** the request ends when this response closes; set for every request by connections.ts */
    outgoing: ServerResponse | null;
  }
}

/** Bodies up to this size are not counted: one for each connection is still little memory. */
const UNCOUNTED_BYTES = 16 * 1024;

export type ReadBody = (
  request: FastifyRequest,
  payload: IncomingMessage,
  done: (error: Error | null, bytes?: Buffer) => void,
) => void;

export const bodyReader =
  ({ bodyBytes }: GatewayLimits, budget: ByteBudget): ReadBody =>
  (request, payload, done) => {
    const caller = callerId(request);
    const announced = request.headers['content-length'];
    const tooLarge = (): MillraceError =>
      new MillraceError(
        'MR_BODY_TOO_LARGE',
        `the body is larger than the ${bodyBytes} bytes that one request may have`,
        {
          limit: bodyBytes,
        },
      );
    if (announced !== undefined && Number(announced) > bodyBytes) return done(tooLarge());
    const chunks: Buffer[] = [];
    let received = 0;
    let held = 0;
    const end = (error: Error | null, bytes?: Buffer): void => {
      payload.off('data', take);
      payload.off('end', whole);
      payload.off('error', cut);
      done(error, bytes);
    };
    const take = (chunk: Buffer): void => {
      received += chunk.length;
      if (received > bodyBytes) return end(tooLarge());
      if (received > UNCOUNTED_BYTES) {
        const full = budget.take(received - held, caller);
        if (full !== null) return end(budgetRefusal(budget, full, 'requests'));
        if (held === 0) request.outgoing?.once('close', () => budget.give(held, caller));
        held = received;
      }
      chunks.push(chunk);
    };
    const whole = (): void => {
      if (announced !== undefined && Number(announced) !== received)
        return end(
          new MillraceError(
            'MR_BODY_INVALID',
            'the body does not have the length that its content-length states',
          ),
        );
      end(null, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, received));
    };
    const cut = (): void =>
      end(new MillraceError('MR_BODY_INVALID', 'the connection ended before the body did'));
    payload.on('data', take);
    payload.on('end', whole);
    payload.on('error', cut);
  };
