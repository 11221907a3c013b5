/** Requests to a server of Flink, by its REST interface. */
import { fail } from '#domain/errors.ts';

export interface FlinkCall {
  readonly method: string;
  readonly path: string;
  /** sent as JSON */
  readonly body?: unknown;
  /** absent: it may take any time */
  readonly timeoutMs?: number;
}

/**
 * @param server for messages
 * @throws MR_ENGINE_UNAVAILABLE where the server does not answer
 */
export const callFlink = async (
  server: 'JobManager' | 'SQL Gateway',
  address: string,
  { method, path, body, timeoutMs }: FlinkCall,
): Promise<Response> => {
  try {
    return await fetch(`${address}${path}`, {
      method,
      ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  } catch (error) {
    return fail(
      'MR_ENGINE_UNAVAILABLE',
      `Flink's ${server} at ${address} does not answer: start it with \`millrace stack up\``,
      { address, cause: String(error) },
    );
  }
};
