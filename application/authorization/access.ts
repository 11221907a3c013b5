/**
 * Authentication and authorization for the gateways: whether callers must authenticate, how, and
 * the platform behind the rules.
 *
 * With `auto`, authentication is required from the moment at which a key exists or a way to
 * authenticate is configured in this process. That never reverts by itself: otherwise revoking the
 * last key would open the platform to everyone.
 */
import { randomUUID } from 'node:crypto';
import type { Access, Platform } from '#domain/api/platform.ts';
import type { AccessOptions } from '#domain/ports/access.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { ProducerOwners } from '#domain/ports/producer-owners.ts';
import type { UsageCounter } from '#domain/ports/usage-counter.ts';
import type { ApprovalIndex } from '#projections/approvals/approval-index.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { KeyIndex } from '#projections/keys/key-index.ts';
import { withAccessLog } from './access-log.ts';
import { createAuthenticator } from './authenticate.ts';
import { authorizePlatform } from './authorize-platform.ts';
import { preventLockout } from './prevent-lockout.ts';
import { createRates } from './rates.ts';
import { createRefusals } from './refusals.ts';
import { createResources } from './resources.ts';

interface AccessDependencies {
  readonly platform: Platform;
  readonly catalog: Catalog;
  readonly keys: KeyIndex;
  readonly approvals: Pick<ApprovalIndex, 'namespaceOf'>;
  readonly eventStore: EventStore;
  readonly counter: UsageCounter;
  readonly producers: ProducerOwners;
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

export const createAccess = (dependencies: AccessDependencies, options: AccessOptions): Access => {
  const { platform, catalog, keys, approvals, eventStore, counter, producers, now, warn } =
    dependencies;
  const { authentication, openMetrics = false, accessLog } = options;
  const configured = options.adminKey !== undefined || options.verifyToken !== undefined;
  const authenticationRequired = (): boolean =>
    authentication === 'required' ||
    (authentication === 'auto' && (configured || keys.epoch() > 0));
  const refusals = createRefusals({ eventStore, now, newId: randomUUID, warn });
  const rates = createRates({ now, counter, warn });
  const { authenticate, holds } = createAuthenticator({
    keys,
    options,
    authenticationRequired,
    rates,
    refusals,
    now,
  });

  const resources = createResources(catalog, approvals.namespaceOf);
  const authorized = authorizePlatform(
    { ...platform, keys: preventLockout(platform.keys, keys, authentication, configured) },
    { resources, rates, refusals, holds, openMetrics, producers },
  );

  return {
    platform:
      accessLog === undefined
        ? authorized
        : withAccessLog(authorized, { ...accessLog, resources, now }),
    authenticationRequired,
    openMetrics,
    authenticate,
    refused: refusals.record,
    async close() {
      await refusals.close();
      await rates.close();
      await accessLog?.log.close();
    },
  };
};
