/**
 * The server's certificate and key, as PEM files that may be replaced while it runs: they are
 * looked at every few seconds and at SIGHUP, and taken if they fit together; what does not is told,
 * and what was there goes on. New connections get the new ones.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { fail } from '#domain/errors.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** of the authority whose certificates clients must show; absent: clients show none */
  readonly clientCa?: string;
}

export interface Pem {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

export interface Tls {
  readonly current: () => Pem;
  readonly onChange: (listener: (pem: Pem) => void) => void;
  /** Looks now. */
  readonly reload: () => void;
  readonly close: () => void;
}

export const MIN_TLS = 'TLSv1.2';
const POLL_MS = 5_000;

const read = (option: string, file: string): Buffer => {
  try {
    return readFileSync(file);
  } catch (error) {
    return fail(
      'MR_FILE_INVALID',
      `${option} ${file} cannot be read: ${(error as Error).message}`,
      { file },
    );
  }
};

const load = ({ cert, key, clientCa }: TlsFiles): Pem => {
  const pem: Pem = {
    cert: read('--tls-cert', cert),
    key: read('--tls-key', key),
    ...(clientCa === undefined ? {} : { ca: read('--tls-client-ca', clientCa) }),
  };
  try {
    createSecureContext({ ...pem, minVersion: MIN_TLS });
  } catch (error) {
    fail(
      'MR_FILE_INVALID',
      `${cert} and ${key} are no certificate and its key in PEM: ${(error as Error).message}`,
      {
        cert,
        key,
      },
    );
  }
  return pem;
};

const same = (a: Pem, b: Pem): boolean =>
  a.cert.equals(b.cert) &&
  a.key.equals(b.key) &&
  (a.ca === b.ca || (a.ca !== undefined && b.ca !== undefined && a.ca.equals(b.ca)));

/** @throws MR_FILE_INVALID where the files are missing, or do not fit */
export const openTls = (
  files: TlsFiles,
  warn: (message: string) => void,
  pollMs = POLL_MS,
): Tls => {
  let pem = load(files);
  let told = '';
  const listeners: ((pem: Pem) => void)[] = [];
  const reload = (): void => {
    try {
      const now = load(files);
      told = '';
      if (same(now, pem)) return;
      pem = now;
      for (const listener of listeners) listener(pem);
      warn('the TLS certificate was replaced: new connections get the new one');
    } catch (error) {
      // The one file may be there before the other: it is looked at again, and said once.
      const message = `the TLS certificate stays as it was: ${(error as Error).message}`;
      if (message !== told) warn(message);
      told = message;
    }
  };
  const timer = setInterval(reload, pollMs).unref();
  process.on('SIGHUP', reload);
  return {
    current: () => pem,
    onChange: (listener) => void listeners.push(listener),
    reload,
    close() {
      clearInterval(timer);
      process.removeListener('SIGHUP', reload);
    },
  };
};
