import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { type Command, Option } from 'commander';
import type { Access, Platform } from '#domain/api/platform.ts';
import { fail } from '#domain/errors.ts';
import type { AccessOptions } from '#domain/ports/access.ts';
import type { AuditAnchor } from '#domain/ports/audit-anchor.ts';
import type { Logger } from '#domain/ports/logger.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import { createLogger } from '#gateways/logging/logger.ts';
import { clientAddress } from '#gateways/shared/client-address.ts';
import { DEFAULT_LIMITS } from '#gateways/shared/limits.ts';
import type { Tls } from '#gateways/shared/tls.ts';
import type { LineageSettings } from '#infra/openlineage/settings.ts';
import type { SparkSettings } from '#infra/profiles/join-engines.ts';
import type { SqlEngineSettings } from '#infra/sql-engines/settings.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import type { GrpcGateway } from '../../grpc/gateway.ts';
import { type AccessLogFlags, accessLogOf, addAccessLogOptions } from '../access-log-options.ts';
import {
  type AccessFlags,
  accessText,
  addAccessOptions,
  adminKeyOf,
  inClear,
  requireKeysFor,
  tlsOf,
  tokenFlagsOf,
} from '../access-options.ts';
import { type AuditFlags, addAuditOptions, auditOf } from '../audit-options.ts';
import { CLOSE_MS, endWithin } from '../end-within.ts';
import { type EntityQuotas, entityQuotaOption } from '../entity-quota-option.ts';
import { keepLogOption } from '../keep-log-option.ts';
import { limitOption, limitsOf } from '../limit-options.ts';
import { addLogOptions, type LogFlags } from '../log-options.ts';
import { addSparkOptions, type SparkFlags, sparkOf } from '../spark-options.ts';
import { addSqlEngineOptions, type SqlEngineFlags } from '../sql-engine-options.ts';
import { addStackOptions, profileOption, stackAddressesOf } from '../stack-options.ts';
import { untilSignal } from '../until-signal.ts';
import { wholeOption } from '../usage.ts';

interface ServeOptions
  extends AccessFlags,
    AccessLogFlags,
    AuditFlags,
    LogFlags,
    SparkFlags,
    SqlEngineFlags {
  readonly profile: 'embedded' | 'stack';
  readonly data: string;
  readonly port: number;
  readonly host: string;
  readonly stack: string;
  readonly stackPort: number;
  readonly addresses?: string;
  readonly projections: boolean;
  readonly cacheTimeout: number;
  readonly durableTimeout: number;
  readonly grpcPort?: number;
  readonly openlineage?: string;
  readonly feastStatuses: 'exact' | 'feast';
  readonly limit: readonly string[];
  readonly keepLog?: number | null;
  readonly entityQuota?: EntityQuotas;
}

interface ProfileOptions {
  readonly dataDirectory: string;
  readonly warn: (message: string) => void;
  readonly tracing: Tracing | null;
  readonly lineage: LineageSettings | null;
  readonly auditAnchor: AuditAnchor | undefined;
  readonly auditKey: Uint8Array | undefined;
  readonly sqlEngines: readonly SqlEngineSettings[];
  readonly spark: SparkSettings;
}

/**
 * A gateway of the stack keeps no state: its live objects take 90 MiB. On a busy machine, V8 lets
 * garbage grow to four times of that before it collects. With this, to twice.
 */
const SMALL_HEAP = '--heap-growing-percent=100';

type StartProfile = (options: ProfileOptions) => Promise<Platform>;

const profileOf = async (
  name: ServeOptions['profile'],
  flags: ServeOptions,
): Promise<StartProfile> => {
  const { projections, cacheTimeout, durableTimeout, keepLog, entityQuota } = flags;
  if (name === 'stack') {
    setFlagsFromString(SMALL_HEAP);
    const { startStack } = await import('#infra/profiles/stack.ts');
    const used = await stackAddressesOf(flags);
    return (options) =>
      startStack({
        ...options,
        addresses: used,
        projections,
        cacheTimeoutMs: cacheTimeout,
        durableTimeoutMs: durableTimeout,
        ...(keepLog === undefined ? {} : { keepLogMs: keepLog }),
      });
  }
  const { startErasable } = await import('#infra/profiles/embedded-erasable.ts');
  return (options) =>
    startErasable({
      ...options,
      ...(keepLog === undefined ? {} : { keepLogMs: keepLog }),
      ...(entityQuota === undefined ? {} : { entityQuotas: entityQuota }),
    });
};

const startGrpc = async (
  access: Access,
  tls: Tls | undefined,
  options: ServeOptions,
  log: Logger,
): Promise<GrpcGateway | null> => {
  const { host, grpcPort, feastStatuses, logSlow, limit, trustedProxy } = options;
  if (grpcPort === undefined) return null;
  const { createGrpcGateway } = await import('#gateways/grpc/gateway.ts');
  const { grpcModules } = await import('#gateways/grpc-modules.ts');
  return createGrpcGateway({
    modules: grpcModules(feastStatuses, packageJson.version),
    platform: access.platform,
    access,
    host,
    port: grpcPort,
    log,
    slowMs: logSlow,
    trustedProxies: trustedProxy ?? [],
    limits: limitsOf(limit),
    ...(tls === undefined ? {} : { tls }),
  });
};

/** values of --access → of the platform */
const AUTHENTICATION = { auto: 'auto', keys: 'required', open: 'off' } as const;

const openAccessLog = async (
  flags: AccessLogFlags,
  warn: (message: string) => void,
): Promise<Pick<AccessOptions, 'accessLog'>> => {
  const settings = accessLogOf(flags);
  if (settings === null) return {};
  const { fileAccessLog } = await import('#infra/access-log/file-access-log.ts');
  const { file, samples } = settings;
  return { accessLog: { log: fileAccessLog(file, { warn }), samples } };
};

const accessOf = async (
  platform: Platform,
  options: ServeOptions,
  adminKey: string | undefined,
  warn: (message: string) => void,
): Promise<Access> => {
  const tokens = tokenFlagsOf(options);
  const verifyToken =
    tokens === null ? null : (await import('#infra/tokens/tokens.ts')).createTokenVerifier(tokens);
  const access = platform.access({
    authentication: AUTHENTICATION[options.access],
    openMetrics: options.openMetrics ?? false,
    ...(adminKey === undefined ? {} : { adminKey }),
    ...(verifyToken === null ? {} : { verifyToken }),
    ...(await openAccessLog(options, warn)),
  });
  requireKeysFor(options.host, access.authenticationRequired(), options.access);
  return access;
};

const serve = async (options: ServeOptions, command: Command): Promise<void> => {
  const { profile, data, port, host } = options;
  const { json } = command.optsWithGlobals() as { json?: boolean };
  limitsOf(options.limit);
  clientAddress(options.trustedProxy);
  accessLogOf(options);
  // Files that the platform makes are its own: of the data directory, and outputs.
  process.umask(0o077);
  const signal = untilSignal();
  const dataDirectory = resolve(data);
  const { lineageSettings } = await import('#infra/openlineage/settings.ts');
  const lineage = lineageSettings(options.openlineage, process.env);
  const { sqlEngineSettings } = await import('#infra/sql-engines/settings.ts');
  const sqlEngines = sqlEngineSettings(options.sqlEngines, options.sqlEngine, process.env);
  const log = createLogger({ format: options.logFormat, level: options.logLevel });
  // Also while the platform is still starting.
  const { drainMs = DEFAULT_LIMITS.drainMs } = limitsOf(options.limit);
  void signal.then(() => endWithin(drainMs + CLOSE_MS, (message) => log.log('error', message)));
  const warn = (message: string): void => log.log('warn', message);
  const { openTracing } = await import('#infra/telemetry/tracing.ts');
  const tracing = await openTracing({ version: packageJson.version, warn });
  const start = await profileOf(profile, options);
  const [adminKey, tls] = [adminKeyOf(options), tlsOf(options, warn)];
  const audit = await auditOf(options, () => import('#infra/audit-anchor/file-anchor.ts'));
  const spark = sparkOf(options);
  const own = { dataDirectory, warn, tracing, lineage, sqlEngines, spark };
  const platform = await start({ ...own, ...audit });
  try {
    const access = await accessOf(platform, options, adminKey, warn);
    const { createHttpGateway } = await import('#gateways/http/gateway.ts');
    const { httpModules } = await import('#gateways/http-modules.ts');
    const gateway = await createHttpGateway({
      modules: httpModules(options.feastStatuses),
      platform: access.platform,
      access,
      host,
      port,
      limits: limitsOf(options.limit),
      log,
      slowMs: options.logSlow,
      trustedProxies: options.trustedProxy ?? [],
      ...(options.filesRoot === undefined ? {} : { filesRoot: resolve(options.filesRoot) }),
      ...(tls === undefined ? {} : { tls }),
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        return fail('MR_REFUSED', `port ${port} of ${host} is in use: choose another with --port`, {
          host,
          port,
        });
      throw error;
    });
    const grpc = await startGrpc(access, tls, options, log).catch(async (error: unknown) => {
      await gateway.close();
      throw error;
    });
    const ready = {
      url: gateway.url,
      ...(grpc === null ? {} : { grpc: grpc.address }),
      profile,
      dataDirectory,
      access: access.authenticationRequired() ? 'keys' : 'open',
      pid: process.pid,
    };
    const at = grpc === null ? gateway.url : `${gateway.url} and, for gRPC, at ${grpc.address}`;
    process.stdout.write(
      `${json === true ? JSON.stringify(ready) : `millrace is ready at ${at}, ${accessText(access.authenticationRequired())} (profile ${profile}, data in ${dataDirectory})`}\n`,
    );
    if (inClear(host, access.authenticationRequired(), tls))
      warn(
        'keys are sent without encryption: use --tls-cert and --tls-key, or a proxy that terminates TLS',
      );
    await signal;
    log.log('info', 'stopping after the requests in flight');
    await Promise.all([gateway.close(), grpc?.close()]);
  } finally {
    tls?.close();
    await platform.close();
    await tracing?.close();
  }
};

export const addServe = (program: Command): void => {
  const serving = addAccessOptions(program.command('serve'));
  addSparkOptions(
    addSqlEngineOptions(
      addStackOptions(addLogOptions(addAccessLogOptions(addAuditOptions(serving)))),
    ),
  )
    .description('run the platform; it prints one line when it is ready')
    .addOption(profileOption().default('embedded'))
    .option(
      '--data <dir>',
      "directory of the platform's own data; that of the stack's servers is --stack",
      '.millrace',
    )
    .option('--port <n>', 'HTTP port to listen on; 0: any free port', wholeOption('--port'), 7411)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addOption(keepLogOption())
    .addOption(entityQuotaOption())
    .option(
      '--grpc-port <n>',
      'gRPC port to listen on; 0: any free port; default: no gRPC',
      wholeOption('--grpc-port'),
    )
    .option(
      '--openlineage <url>',
      'destination of OpenLineage events: http(s)://…, a file, or `log` to keep them for /v1/lineage/events; default: OPENLINEAGE_URL',
    )
    .addOption(
      new Option(
        '--feast-statuses <words>',
        "statuses of nulls and expired values for Feast's clients: exact: NULL_VALUE and OUTSIDE_MAX_AGE; feast: PRESENT, as Feast's server answers",
      )
        .choices(['exact', 'feast'])
        .default('exact'),
    )
    .addOption(limitOption())
    .addHelpText('after', '\nExample:\n  millrace serve --data ./data --port 7411')
    .action(serve);
};
