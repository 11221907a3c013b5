/** The SDK's own client, over HTTP, and the requests that answers link to. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { ErrorCode } from '#domain/errors.ts';

export interface Link {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: object;
  readonly repeatable: boolean;
}

/** What every answer has; the rest depends on the tool. */
export interface Answer {
  readonly at: string;
  readonly known: string;
  readonly link: Link;
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Agent {
  readonly client: Client;
  /** the structured answer; fails the test if the tool refuses */
  readonly ask: <T = object>(name: string, args?: object) => Promise<T & Answer>;
  /** the refusal; fails the test if the tool answers */
  readonly refused: (name: string, args?: object) => Promise<Refusal>;
  readonly close: () => Promise<void>;
}

interface Called {
  readonly isError?: boolean;
  readonly structuredContent?: object;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
}

export const agentOver = async (transport: Transport): Promise<Agent> => {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  // The client then compares each answer with the tool's output schema.
  await client.listTools();
  const call = async (name: string, args: object): Promise<Called> =>
    (await client.callTool({ name, arguments: args as Record<string, unknown> })) as Called;
  return {
    client,
    async ask<T>(name: string, args: object = {}) {
      const result = await call(name, args);
      if (result.isError === true) throw new Error(JSON.stringify(result));
      const [content, ...more] = result.content;
      if (more.length > 0 || content?.text !== JSON.stringify(result.structuredContent))
        throw new Error('the text is not the structured content');
      const answer = result.structuredContent as T & Answer;
      const { at, known, link } = answer;
      if (![at, known].every((time) => new Date(time).toISOString() === time) || link.url === '')
        throw new Error(`no times or no link: ${content.text}`);
      return answer;
    },
    async refused(name, args = {}) {
      const result = await call(name, args);
      if (result.isError !== true) throw new Error(`answered: ${JSON.stringify(result)}`);
      const { error } = result.structuredContent as { readonly error: Refusal };
      if (result.content[0]?.text !== `${error.code}: ${error.message}\nFix: ${error.fix}`)
        throw new Error('the text is not the error');
      return error;
    },
    close: () => client.close(),
  };
};

/** @param key the value of the header `authorization`; null: none */
export const httpTransport = (url: string, key: string | null): Transport =>
  new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: key === null ? {} : { authorization: key } },
  }) as Transport;

/** Sends the request of a link. */
export const follow = async <T = object>(link: Link, key: string | null): Promise<T> => {
  const response = await fetch(link.url, {
    method: link.method,
    headers: {
      ...(key === null ? {} : { authorization: key }),
      ...(link.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(link.body === undefined ? {} : { body: JSON.stringify(link.body) }),
  });
  const body = (await response.json()) as T;
  if (!response.ok) throw new Error(`${link.url}: ${response.status} ${JSON.stringify(body)}`);
  return body;
};
