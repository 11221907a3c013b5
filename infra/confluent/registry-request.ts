/**
 * Requests to the schema registry. A failed request is repeated for a limited time, because the
 * registry may be starting.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
const NOT_FOUND = 404;
const ANSWER_MS = 5_000;

class RegistryError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const statusOf = (error: unknown): number | null =>
  error instanceof Error && 'status' in error && typeof error.status === 'number'
    ? error.status
    : null;

/** The registry refused the request: repeating it would change nothing. */
const isAnswer = (error: unknown): boolean => {
  const status = statusOf(error);
  return status !== null && status >= 400 && status < 500;
};

export interface RegistryRequest {
  /** Resolves to null if the registry has no such path. */
  request<T>(method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<T | null>;
  withRetries<T>(doing: string, work: () => Promise<T>): Promise<T>;
}

export const createRegistryRequest = (host: string, retryForMs: number): RegistryRequest => {
  const withRetries: RegistryRequest['withRetries'] = async (doing, work) => {
    const deadline = performance.now() + retryForMs;
    for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
      try {
        return await work();
      } catch (error) {
        if (isAnswer(error) || error instanceof SyntaxError) throw error;
        if (performance.now() + pause > deadline) {
          throw new MillraceError(
            'MR_STORE_UNAVAILABLE',
            `The schema registry at ${host} did not answer while ${doing}: ${messageOf(error)}.`,
            {
              store: host,
            },
          );
        }
        await sleep(pause);
      }
    }
  };

  return {
    withRetries,
    request: (method, path, body) =>
      withRetries(`requesting ${path}`, async () => {
        const response = await fetch(`${host}/${path}`, {
          method,
          headers: { 'content-type': CONTENT_TYPE, accept: CONTENT_TYPE },
          signal: AbortSignal.timeout(ANSWER_MS),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        if (response.status === NOT_FOUND) return null;
        if (!response.ok) throw new RegistryError(response.status, text);
        return JSON.parse(text);
      }),
  };
};
