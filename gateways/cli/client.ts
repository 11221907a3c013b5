/**
 * The server over HTTP, with kept-alive connections and without retries: each command decides what
 * may be sent again.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { ERRORS, type ErrorCode, MillraceError } from '#domain/errors.ts';
import { parseExactJson } from '#domain/values/exact-json.ts';

export interface Call {
  readonly body?: unknown;
  /** JSON as text or in UTF-8, sent unchanged instead of `body` */
  readonly json?: string | Uint8Array;
  /** sent as they come, instead of `body`; an error of the iteration cuts the request */
  readonly chunks?: AsyncIterable<string>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** large whole numbers of the answer keep their digits (exact-json.ts) */
  readonly exact?: boolean;
  /** called when the operating system has the whole request */
  readonly onSent?: () => void;
}

export interface Client {
  readonly url: string;
  /**
   * Whether requests may have paths of files: the server is on this machine and no key is used.
   * With a key, only operators may send paths.
   */
  readonly sameMachine: boolean;
  get<T>(path: string, call?: Pick<Call, 'signal' | 'exact'>): Promise<T>;
  post<T>(path: string, call: Call): Promise<T>;
  delete<T>(path: string): Promise<T>;
  /** the body of the answer, as a stream; POST where there is a body to send */
  stream(
    path: string,
    call?: Pick<Call, 'body' | 'json' | 'headers' | 'signal'>,
  ): Promise<IncomingMessage>;
  close(): void;
}

const SAME_MACHINE = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

const readAll = async (message: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

const refusalOf = (status: number, text: string, url: string): MillraceError => {
  try {
    const { code, message, details } = JSON.parse(text) as {
      code: ErrorCode;
      message: string;
      details?: Record<string, unknown>;
    };
    if (typeof code === 'string' && code.startsWith('MR_'))
      return new MillraceError(code, message, details);
  } catch {
    // not a Millrace error: see below
  }
  return new MillraceError(
    'MR_UNREACHABLE',
    `${url} answered ${status} without a Millrace error: is it a Millrace server?`,
    { status },
  );
};

interface ClientOptions {
  readonly apiKey?: string;
  readonly actor: string;
  /**
   * PEM texts: the authority that signed the server's certificate; the client's certificate and key
   */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

export const createClient = (base: string, options: ClientOptions): Client => {
  const root = new URL(base.endsWith('/') ? base : `${base}/`);
  const secure = root.protocol === 'https:';
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, ...options.tls })
    : new HttpAgent({ keepAlive: true });
  const send = secure ? httpsRequest : httpRequest;
  const common = {
    // Node encodes headers as Latin-1; the server reads UTF-8.
    'x-millrace-actor': Buffer.from(options.actor, 'utf8').toString('latin1'),
    ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
  };

  const open = (
    method: string,
    path: string,
    { body, json, chunks, headers, signal, onSent }: Call,
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const payload = json ?? (body === undefined ? undefined : JSON.stringify(body));
      const bytes = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
      const content =
        bytes === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': bytes.length };
      const request = send(
        new URL(path.slice(1), root),
        {
          method,
          agent,
          headers: { ...common, ...content, ...headers },
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      if (onSent !== undefined) request.once('finish', onSent);
      request.once('error', (error: NodeJS.ErrnoException) => {
        if (signal?.aborted === true) reject(error);
        else
          reject(
            new MillraceError(
              'MR_UNREACHABLE',
              `no answer from ${base}: ${error.message || error.code || 'the connection failed'}`,
              { url: base, cause: error.code ?? null },
            ),
          );
      });
      if (chunks === undefined) {
        request.end(bytes);
        return;
      }
      const stream = Readable.from(chunks);
      stream.once('error', (error) => {
        reject(error);
        request.destroy();
      });
      request.once('close', () => stream.destroy());
      stream.pipe(request);
    });

  const call = async <T>(method: string, path: string, options: Call): Promise<T> => {
    const message = await open(method, path, options);
    const text = await readAll(message).catch((error: Error) => {
      throw new MillraceError(
        'MR_UNREACHABLE',
        `the answer of ${base} ended too early: ${error.message}`,
        {
          url: base,
        },
      );
    });
    const status = message.statusCode ?? 0;
    if (status >= 400 || message.headers['content-type']?.includes('json') !== true)
      throw refusalOf(status, text, base);
    // The only refusal that is no failure of HTTP.
    if (status === ERRORS.MR_APPROVAL_REQUIRED.status && text.includes('"MR_APPROVAL_REQUIRED"')) {
      const refusal = refusalOf(status, text, base);
      if (refusal.code === 'MR_APPROVAL_REQUIRED') throw refusal;
    }
    try {
      return (options.exact === true ? parseExactJson(text) : JSON.parse(text)) as T;
    } catch {
      throw new MillraceError(
        'MR_UNREACHABLE',
        `${base} answered with a JSON content type, but not with JSON: is it a Millrace server?`,
        { status },
      );
    }
  };

  return {
    url: base,
    sameMachine: SAME_MACHINE.test(root.hostname) && options.apiKey === undefined,
    get: (path, options = {}) => call('GET', path, options),
    post: (path, options) => call('POST', path, options),
    delete: (path) => call('DELETE', path, {}),
    async stream(path, options = {}) {
      const hasBody = options.body !== undefined || options.json !== undefined;
      const message = await open(hasBody ? 'POST' : 'GET', path, options);
      const status = message.statusCode ?? 0;
      if (status >= 400) throw refusalOf(status, await readAll(message), base);
      return message;
    },
    close: () => agent.destroy(),
  };
};

/** A path from parts, which may have any characters. */
export const path = (...parts: readonly string[]): string =>
  `/${parts.map(encodeURIComponent).join('/')}`;

export const query = (
  parameters: Readonly<Record<string, string | number | undefined>>,
): string => {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined,
  );
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`;
};
