/** What both gateways are given. */
import type { Access, Platform } from '#domain/api/platform.ts';
import type { Logger } from '#domain/ports/logger.ts';
import type { GatewayLimits } from './limits.ts';
import type { Tls } from './tls.ts';

export interface GatewayOptions {
  /** with `access`: its platform */
  readonly platform: Platform;
  /** absent: callers are not authenticated */
  readonly access?: Access;
  /** absent: without TLS */
  readonly tls?: Tls;
  /** default 127.0.0.1: only this machine can connect */
  readonly host?: string;
  /** 0: any free one */
  readonly port?: number;
  readonly limits?: Partial<GatewayLimits>;
  /** proxies whose `x-forwarded-for` counts, as addresses or CIDR */
  readonly trustedProxies?: readonly string[];
  /** absent: requests are not logged */
  readonly log?: Logger;
  /** requests that take longer are logged, ms; default 1000 */
  readonly slowMs?: number;
  /**
   * gets the cause of an internal error, which callers do not see; default: the log, or stderr
   * without a log
   */
  readonly onInternalError?: (error: unknown, request: string) => void;
}
