/** Transports to a receiver of OpenLineage events. */
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { messageOf } from '#domain/error-message.ts';
import type { Delivered, LineageTransport } from '#domain/ports/lineage.ts';
import type { LineageTarget } from './settings.ts';

const TIMEOUT_MS = 10_000;
const SHOWN = 300;
const DELIVERED: Delivered = { outcome: 'delivered' };
const zipped = promisify(gzip);

/**
 * The event itself is wrong. Any other answer (no such path, no access, too many requests) can be
 * fixed outside, and then every event is accepted.
 */
const REFUSALS = new Set([400, 413, 415, 422]);

const causeOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? `${messageOf(error)}: ${cause.message}` : messageOf(error);
};

const httpTransport = ({
  url,
  apiKey,
  gzip: compress,
}: Extract<LineageTarget, { kind: 'http' }>): LineageTransport => ({
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
      return { outcome: REFUSALS.has(response.status) ? 'refused' : 'unavailable', reason };
    } catch (error) {
      return { outcome: 'unavailable', reason: causeOf(error) };
    }
  },
  close: async () => {},
});

/** One line an event, on the disk before it counts as delivered. */
const fileTransport = (path: string): LineageTransport => ({
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
      return { outcome: 'unavailable', reason: causeOf(error) };
    }
  },
  close: async () => {},
});

/** null: the target is the log itself. */
export const transportTo = (target: LineageTarget): LineageTransport | null => {
  switch (target.kind) {
    case 'http':
      return httpTransport(target);
    case 'file':
      return fileTransport(target.path);
    case 'log':
      return null;
  }
};
