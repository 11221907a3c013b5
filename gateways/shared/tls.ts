/**
 * The server's certificate and key, from PEM files that may be replaced while it runs. The files
 * are polled every few seconds and at SIGHUP. If the new ones fit together, new connections use
 * them; otherwise a warning is logged and the old ones stay in use.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { fail } from '#domain/errors.ts';

interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** of the authority of client certificates; absent: clients need no certificate */
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
  /** Reads the files now. */
  readonly reload: () => void;
  readonly close: () => void;
}

export const MIN_TLS = 'TLSv1.2';
/** Forward secrecy and authenticated encryption only; the first three are those of TLS 1.3. */
export const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  ...['ECDSA', 'RSA'].flatMap((key) => [
    `ECDHE-${key}-AES128-GCM-SHA256`,
    `ECDHE-${key}-AES256-GCM-SHA384`,
    `ECDHE-${key}-CHACHA20-POLY1305`,
  ]),
].join(':');
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
      `${cert} and ${key} are not a certificate and its key in PEM: ${(error as Error).message}`,
      { cert, key },
    );
  }
  return pem;
};

const same = (a: Pem, b: Pem): boolean =>
  a.cert.equals(b.cert) &&
  a.key.equals(b.key) &&
  (a.ca === b.ca || (a.ca !== undefined && b.ca !== undefined && a.ca.equals(b.ca)));

/** @throws MR_FILE_INVALID if a file is missing, or the key does not fit the certificate */
export const openTls = (
  files: TlsFiles,
  warn: (message: string) => void,
  pollMs = POLL_MS,
): Tls => {
  let pem = load(files);
  let lastWarning = '';
  const listeners: ((pem: Pem) => void)[] = [];
  const reload = (): void => {
    try {
      const now = load(files);
      lastWarning = '';
      if (same(now, pem)) return;
      pem = now;
      for (const listener of listeners) listener(pem);
      warn('the TLS certificate was replaced: new connections use the new one');
    } catch (error) {
      // One file may be replaced before the other: the next poll tries again. Warn once.
      const message = `the new TLS certificate is not used: ${(error as Error).message}`;
      if (message !== lastWarning) warn(message);
      lastWarning = message;
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
