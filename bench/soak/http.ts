/** JSON over HTTP to a rig's gateways in turn. A refusal is thrown with its code. */
import { Agent, request } from 'node:http';
import { Refused } from './errors.ts';

export interface Http {
  readonly get: <T>(path: string) => Promise<T>;
  readonly post: <T>(
    path: string,
    body: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<T>;
  readonly text: (path: string) => Promise<string>;
  readonly close: () => void;
}

/** An apply on the stack answers when its jobs run. */
const DEADLINE_MS = 300_000;

export const createHttp = (urls: readonly string[]): Http => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let turn = 0;
  const call = (
    method: string,
    path: string,
    body: string | null,
    headers: Readonly<Record<string, string>>,
  ): Promise<string> =>
    new Promise((resolve, reject) => {
      const url = urls[turn++ % urls.length] as string;
      const content =
        body === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const sent = request(
        `${url}${path}`,
        { method, agent, timeout: DEADLINE_MS, headers: { ...headers, ...content } },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => {
            text += chunk;
          });
          answer.on('error', reject);
          answer.on('end', () => {
            const status = answer.statusCode ?? 0;
            if (status < 400) return resolve(text);
            try {
              const { code, message } = JSON.parse(text) as { code: string; message: string };
              reject(new Refused(status, code, message));
            } catch {
              reject(new Refused(status, `status ${status}`, text.slice(0, 300)));
            }
          });
        },
      );
      sent.on('timeout', () =>
        sent.destroy(new Error(`no answer to ${method} ${path} in ${DEADLINE_MS} ms`)),
      );
      sent.on('error', reject);
      sent.end(body ?? undefined);
    });
  return {
    get: async <T>(path: string) => JSON.parse(await call('GET', path, null, {})) as T,
    post: async <T>(path: string, body: unknown, headers = {}) =>
      JSON.parse(await call('POST', path, JSON.stringify(body), headers)) as T,
    text: (path) => call('GET', path, null, {}),
    close: () => agent.destroy(),
  };
};
