/**
 * Who may do what, for the gateways: whether keys are asked for, who shows which, and the platform
 * behind it.
 *
 * Keys are asked for (`auto`) from the moment on at which there was one, or one is configured here.
 * That never goes back by itself: were the last key revoked, the door would stand open. Nor may
 * anyone lock himself out: the first key, made while nobody is asked, must be able to make others,
 * and the last that can is not revoked.
 */
import { randomUUID } from 'node:crypto';
import { may } from '#domain/authorization/grants.ts';
import { OPEN } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import type { Access, AccessOptions } from '#domain/ports/access.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { Platform } from '#domain/ports/platform.ts';
import type { UsageCounter } from '#domain/ports/usage-counter.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { KeyIndex, KnownKey } from '#projections/keys/key-index.ts';
import { createAuthenticator } from './authenticate.ts';
import { guardPlatform } from './guard.ts';
import { createRates } from './rates.ts';
import { createRefusals } from './refusals.ts';
import { createResources } from './resources.ts';

export interface AccessDependencies {
  readonly platform: Platform;
  readonly catalog: Catalog;
  readonly keys: KeyIndex;
  readonly eventStore: EventStore;
  readonly counter: UsageCounter;
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

export const createAccess = (dependencies: AccessDependencies, options: AccessOptions): Access => {
  const { platform, catalog, keys, eventStore, counter, now, warn } = dependencies;
  const configured = options.adminKey !== undefined || options.verifyToken !== undefined;
  const authenticationRequired = (): boolean =>
    options.authentication === 'keys' ||
    (options.authentication === 'auto' && (configured || keys.epoch() > 0));
  const refusals = createRefusals({ eventStore, now, newId: randomUUID, warn });
  const rates = createRates({ now, counter, warn });
  const { openMetrics = false } = options;
  const { authenticate, holds } = createAuthenticator({
    keys,
    options,
    authenticationRequired,
    rates,
    refusals,
    now,
  });

  const makesKeys = ({
    grants,
    revokedAt,
    expiresAt,
  }: Pick<KnownKey, 'grants' | 'revokedAt' | 'expiresAt'>): boolean =>
    revokedAt === null && expiresAt === null && may(grants, 'keys', '*');
  const unlocked: Platform = {
    ...platform,
    async createKey(request, caller) {
      const lasting = request.expiresAt === undefined && request.grants.includes('admin@*');
      if (
        caller.principal === OPEN &&
        options.authentication === 'auto' &&
        !keys.all().some(makesKeys) &&
        !lasting
      )
        fail(
          'MR_REFUSED',
          'from the first key on a key is asked of everyone, so that the first must be able to make others: give it the grant admin@* and no end',
        );
      return platform.createKey(request, caller);
    },
    async revokeKey(id, reason, caller) {
      const makers = keys.all().filter(makesKeys);
      if (
        !configured &&
        options.authentication !== 'open' &&
        makers.length === 1 &&
        makers[0]?.id === id
      )
        fail(
          'MR_REFUSED',
          `key ${id} is the last that is admin@* without an end: make another before it is revoked, or nobody can make any`,
          { id },
        );
      return platform.revokeKey(id, reason, caller);
    },
  };

  return {
    platform: guardPlatform({
      platform: unlocked,
      resources: createResources(catalog),
      rates,
      refusals,
      holds,
      openMetrics,
    }),
    authenticationRequired,
    openMetrics,
    authenticate,
    refused: refusals.record,
    async close() {
      await refusals.close();
      await rates.close();
    },
  };
};
