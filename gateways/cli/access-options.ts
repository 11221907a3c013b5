/** The options of `serve` for access and TLS, and when it may listen without keys. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { checkAdminKey } from '#domain/authorization/keys.ts';
import { fail } from '#domain/errors.ts';
import { openTls, type Tls } from '#gateways/shared/tls.ts';
import { UsageError } from './usage.ts';

export interface AccessFlags {
  readonly access: 'auto' | 'keys' | 'open';
  readonly adminKeyFile?: string;
  readonly jwtIssuer?: string;
  readonly jwtAudience?: string;
  readonly jwks?: string;
  readonly jwtGrants: string;
  readonly openMetrics?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly trustedProxy?: readonly string[];
  readonly filesRoot?: string;
}

export const addAccessOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--access <who>',
        'auto: keys are required once a key exists; keys: always; open: never, on this machine only, for development',
      )
        .choices(['auto', 'keys', 'open'])
        .default('auto'),
    )
    .option(
      '--admin-key-file <file>',
      'file with a key that is admin everywhere (or MILLRACE_ADMIN_KEY: the key itself)',
    )
    .option('--jwt-issuer <url>', 'accept tokens of this issuer, as well as keys')
    .option('--jwt-audience <name>', 'required "aud" of the tokens')
    .option('--jwks <url>', "the issuer's public keys: a URL or a file")
    .option(
      '--jwt-grants <claim>',
      'claim with the grants, such as reader@payments; dots name members of objects',
      'millrace',
    )
    .option(
      '--files-root <dir>',
      'the only directory in which requests may name files; with it, callers on other machines may name them too; default: any file, for callers on this machine only',
    )
    .option('--open-metrics', '/metrics needs no key')
    .option(
      '--trusted-proxy <networks...>',
      'addresses or networks (10.0.0.0/8) of proxies whose x-forwarded-for names the client; from others the header is ignored',
    )
    .option(
      '--tls-cert <file>',
      'PEM file of the certificate with its chain; a replaced file is loaded automatically',
    )
    .option('--tls-key <file>', 'PEM file of its key')
    .option(
      '--tls-client-ca <file>',
      'PEM file of the authority; clients must have a certificate of it',
    );

/** The admin key, from the file or the environment. */
export const adminKeyOf = ({ adminKeyFile }: AccessFlags): string | undefined => {
  const inEnvironment = process.env.MILLRACE_ADMIN_KEY?.trim() || undefined;
  if (adminKeyFile === undefined)
    return inEnvironment === undefined ? undefined : checkAdminKey(inEnvironment);
  try {
    return checkAdminKey(readFileSync(adminKeyFile, 'utf8').trim());
  } catch (error) {
    return fail(
      'MR_FILE_INVALID',
      `--admin-key-file ${adminKeyFile}: ${(error as Error).message}`,
      { file: adminKeyFile },
    );
  }
};

interface TokenFlags {
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: string;
  readonly claim: string;
}

/** Null: tokens are not accepted. */
export const tokenFlagsOf = ({
  jwtIssuer,
  jwtAudience,
  jwks,
  jwtGrants,
}: AccessFlags): TokenFlags | null => {
  const given = [jwtIssuer, jwtAudience, jwks].filter((option) => option !== undefined);
  if (given.length === 0) return null;
  if (jwtIssuer === undefined || jwtAudience === undefined || jwks === undefined)
    throw new UsageError(
      '--jwt-issuer, --jwt-audience and --jwks go together: with only some of them, tokens made for other services would be accepted',
    );
  return { issuer: jwtIssuer, audience: jwtAudience, jwks, claim: jwtGrants };
};

export const tlsOf = (
  { tlsCert, tlsKey, tlsClientCa }: AccessFlags,
  warn: (message: string) => void,
): Tls | undefined => {
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new UsageError('--tls-cert and --tls-key go together');
  return openTls(
    { cert: tlsCert, key: tlsKey, ...(tlsClientCa === undefined ? {} : { clientCa: tlsClientCa }) },
    warn,
  );
};

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/i;

/** @throws MR_REFUSED if it would listen for other machines without authentication */
export const requireKeysFor = (
  host: string,
  required: boolean,
  access: AccessFlags['access'],
): void => {
  if (required || LOOPBACK.test(host)) return;
  const how =
    access === 'open'
      ? 'remove --access open'
      : 'set an admin key (--admin-key-file, MILLRACE_ADMIN_KEY), with which `millrace keys create` creates others; or --jwt-issuer';
  fail(
    'MR_REFUSED',
    `without keys the server listens on loopback addresses only, and --host is ${host}: ${how}`,
    { host },
  );
};

/** The part of the first line about access. */
export const accessText = (required: boolean): string =>
  required
    ? 'keys are required'
    : 'WITHOUT KEYS, for development only: every program on this machine may do anything';

/** Whether keys would travel over the network without encryption. */
export const inClear = (host: string, required: boolean, tls: Tls | undefined): boolean =>
  required && tls === undefined && !LOOPBACK.test(host);
