/**
 * Carries MCP messages between a program on this machine (one line each, in and out) and the `/mcp`
 * of a gateway. It knows no tools: a line goes out as it came, so numbers keep their digits.
 */
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text as textOfStream } from 'node:stream/consumers';
import { messageOf } from '#domain/error-message.ts';
import { ERRORS, MillraceError } from '#domain/errors.ts';
import type { Client } from './client.ts';

interface BridgeOptions {
  readonly client: Pick<Client, 'stream'>;
  readonly input: Readable;
  readonly output: Writable;
  /** what no message of the protocol says */
  readonly report: (message: string) => void;
}

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly requestId?: string | number };
  readonly result?: { readonly protocolVersion?: string };
}

/** JSON-RPC's codes: the message is not JSON; the server refused it, or could not be reached. */
const PARSE_ERROR = -32_700;
const SERVER_ERROR = -32_000;

const knownError = (error: unknown): MillraceError =>
  error instanceof MillraceError
    ? error
    : new MillraceError('MR_UNREACHABLE', `the gateway gave no answer: ${messageOf(error)}`);

/** Resolves when the input has ended and every request of it is answered. */
export const bridge = async ({ client, input, output, report }: BridgeOptions): Promise<void> => {
  /** as `initialize` agreed; later requests name it */
  let version: string | undefined;
  const waiting = new Map<string | number, AbortController>();

  const write = (line: string): void => void output.write(`${line}\n`);
  const writeError = (id: string | number | null, code: number, error: MillraceError): void => {
    const { code: own, message, details } = error;
    const data = { code: own, fix: ERRORS[own].remedy, details };
    const body = { code, message: `${own}: ${message}`, data };
    write(JSON.stringify({ jsonrpc: '2.0', id, error: body }));
  };

  const send = async (line: string, signal?: AbortSignal): Promise<string> => {
    const answer = await client.stream('/mcp', {
      json: line,
      headers: {
        accept: 'application/json, text/event-stream',
        ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    return textOfStream(answer);
  };

  const ask = async (line: string, { id, method }: Message & { readonly id: string | number }) => {
    const cancelled = new AbortController();
    waiting.set(id, cancelled);
    try {
      const answer = await send(line, cancelled.signal);
      if (cancelled.signal.aborted) return;
      if (method === 'initialize')
        version = (JSON.parse(answer) as Message).result?.protocolVersion ?? version;
      write(answer);
    } catch (error) {
      if (!cancelled.signal.aborted) writeError(id, SERVER_ERROR, knownError(error));
    } finally {
      waiting.delete(id);
    }
  };

  /** A request is cancelled by closing its connection: the gateway keeps no list of requests. */
  const notify = async (line: string, { method, params }: Message): Promise<void> => {
    if (method === 'notifications/cancelled') {
      const id = params?.requestId;
      if (id !== undefined) waiting.get(id)?.abort();
      return;
    }
    await send(line).catch((error: unknown) => {
      const { code, message } = knownError(error);
      report(`${code}: ${message}`);
    });
  };

  const take = (line: string): Promise<void> => {
    let message: Message | null;
    try {
      message = JSON.parse(line) as Message | null;
    } catch (error) {
      const why = `a line of the input is not JSON: ${messageOf(error)}`;
      writeError(null, PARSE_ERROR, new MillraceError('MR_BODY_INVALID', why));
      return Promise.resolve();
    }
    const { id, method } = message ?? {};
    return id !== undefined && method !== undefined
      ? ask(line, { ...message, id })
      : notify(line, message ?? {});
  };

  const pending = new Set<Promise<void>>();
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue;
    const taken: Promise<void> = take(line).finally(() => pending.delete(taken));
    pending.add(taken);
  }
  await Promise.all(pending);
};
