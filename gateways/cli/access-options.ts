/** `serve`'s options of access and TLS, and when it may listen without keys. */
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
}

export const addAccessOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--access <who>',
        'auto: keys are asked for once there is one; open: of nobody, on this machine only, for development',
      )
        .choices(['auto', 'keys', 'open'])
        .default('auto'),
    )
    .option(
      '--admin-key-file <file>',
      'a key that is admin everywhere (MILLRACE_ADMIN_KEY has the key itself)',
    )
    .option('--jwt-issuer <url>', 'tokens of this issuer are taken beside keys')
    .option('--jwt-audience <name>', 'what their "aud" must have')
    .option('--jwks <url>', "the issuer's public keys: an address, or a file")
    .option(
      '--jwt-grants <claim>',
      'the claim that has grants such as reader@payments; dots go into objects',
      'millrace',
    )
    .option('--open-metrics', 'anyone may read /metrics')
    .option(
      '--tls-cert <file>',
      'PEM of the certificate with its chain; replaced files are taken as they come',
    )
    .option('--tls-key <file>', 'PEM of its key')
    .option('--tls-client-ca <file>', 'PEM of the authority whose certificates clients must show');

/** The key of a file, or of the environment; undefined: there is none. */
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

export interface TokenFlags {
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: string;
  readonly claim: string;
}

/** Null: no tokens are taken. */
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
      '--jwt-issuer, --jwt-audience and --jwks go together: each alone would let in tokens made for others',
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

/** @throws MR_REFUSED where it would listen to others and ask nobody */
export const requireKeysFor = (
  host: string,
  demanded: boolean,
  access: AccessFlags['access'],
): void => {
  if (demanded || LOOPBACK.test(host)) return;
  const how =
    access === 'open'
      ? 'leave --access open out'
      : 'give it an admin key (--admin-key-file, MILLRACE_ADMIN_KEY), with which `millrace keys create` makes others; or --jwt-issuer';
  fail(
    'MR_REFUSED',
    `without keys it listens on this machine's loopback only, and --host is ${host}: ${how}`,
    { host },
  );
};

/** What the first line says of it. */
export const accessText = (demanded: boolean): string =>
  demanded
    ? 'keys are asked for'
    : 'WITHOUT KEYS, for development only: whoever is on this machine may do anything';

export const inClear = (host: string, demanded: boolean, tls: Tls | undefined): boolean =>
  demanded && tls === undefined && !LOOPBACK.test(host);
