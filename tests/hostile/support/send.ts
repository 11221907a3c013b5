/** Requests as bytes: any head and any body. Returns the answer and its duration. */
import { Agent, request } from 'node:http';

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });
const HANG_MS = 20_000;

/** @throws Error where there was no answer: a timeout, or a cut connection */
export const send = (url: string, { method, path, headers, body }: Sent): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const outgoing = request(
      {
        hostname,
        port,
        method,
        path,
        agent,
        timeout: HANG_MS,
        headers: { ...headers, ...(body === null ? {} : { 'content-length': body.length }) },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks),
          }),
        );
        incoming.on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${HANG_MS} ms`)));
    outgoing.on('error', reject);
    outgoing.end(body ?? undefined);
  });

export const closeAgent = (): void => agent.destroy();
