/** Certificates for tests, made by openssl: an authority, and certificates that it signs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly directory: string;
  /** the authority's PEM file */
  readonly ca: string;
  /** a certificate for the loopback address */
  readonly issue: (name: string) => Certificate;
  readonly dispose: () => void;
}

export const authority = (): Authority => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=Millrace tests',
  );
  writeFileSync(file('san'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  let serial = 0;
  return {
    directory,
    ca: file('ca.pem'),
    issue(name) {
      serial++;
      const [cert, key] = [file(`${name}-${serial}.pem`), file(`${name}-${serial}.key`)];
      openssl('req', ...newKey, '-keyout', key, '-out', 'request', '-subj', `/CN=${name}`);
      const signed = [
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-set_serial',
        String(serial),
        '-days',
        '2',
        '-extfile',
        'san',
      ];
      openssl('x509', '-req', '-in', 'request', ...signed, '-out', cert);
      return { cert, key };
    },
    dispose: () => rmSync(directory, { recursive: true, force: true }),
  };
};

export const pem = (file: string): Buffer => readFileSync(file);
