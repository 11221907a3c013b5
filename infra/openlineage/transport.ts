/** Ways to a receiver. A transport tries once; `delivery.ts` tries again. */
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { LineageTarget } from './settings.ts';

/** delivered; refused: this event will never be taken; away: try again later */
export type Sent =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'refused' | 'away'; readonly reason: string };

export interface Transport {
  /** for messages */
  readonly to: string;
  /** @param json one event @param signal aborted when the platform stops */
  readonly send: (json: string, signal: AbortSignal) => Promise<Sent>;
  readonly close: () => Promise<void>;
}

const TIMEOUT_MS = 10_000;
const SHOWN = 300;
const DELIVERED: Sent = { outcome: 'delivered' };
const zipped = promisify(gzip);

/**
 * The event itself is what is wrong. Any other answer (no such path, no access, too many) is mended
 * outside, and then all events go.
 */
const REFUSALS = new Set([400, 413, 415, 422]);

const causeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};

export const httpTransport = ({
  url,
  apiKey,
  gzip: compress,
}: Extract<LineageTarget, { kind: 'http' }>): Transport => ({
  to: url,
  async send(json, signal) {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(compress ? { 'content-encoding': 'gzip' } : {}),
          ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: compress ? await zipped(json) : json,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      const text = await response.text();
      if (response.ok) return DELIVERED;
      const reason = `${response.status} ${text.slice(0, SHOWN)}`.trim();
      return { outcome: REFUSALS.has(response.status) ? 'refused' : 'away', reason };
    } catch (error) {
      return { outcome: 'away', reason: causeOf(error) };
    }
  },
  close: async () => {},
});

/** A line an event, on the disk before it counts as delivered. */
export const fileTransport = (path: string): Transport => ({
  to: path,
  async send(json) {
    try {
      const handle = await open(path, 'a');
      try {
        await handle.appendFile(`${json}\n`);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      return DELIVERED;
    } catch (error) {
      return { outcome: 'away', reason: causeOf(error) };
    }
  },
  close: async () => {},
});

export const transportTo = (target: LineageTarget): Transport | null => {
  switch (target.kind) {
    case 'http':
      return httpTransport(target);
    case 'file':
      return fileTransport(target.path);
    case 'log':
      return null;
  }
};
