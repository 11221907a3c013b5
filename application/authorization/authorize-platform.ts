/**
 * The platform behind authorization. Each area has its rules in a file of its own; each method of
 * an area is there by name, so a new method without a rule does not compile, and no gateway has
 * rules of its own. A caller without a principal is refused.
 *
 * Lists are cut to what the caller may see. A single resource that the caller may not see is
 * MR_FORBIDDEN.
 */
import type { Platform } from '#domain/api/platform.ts';
import { fail } from '#domain/errors.ts';
import { authorizeAudit } from './audit.ts';
import { type CheckDependencies, createChecks } from './checks.ts';
import { authorizeDatasets } from './datasets.ts';
import { authorizeKeys } from './keys.ts';
import { authorizeOperations } from './operations.ts';
import { authorizePublishing } from './publishing.ts';
import { authorizeRegistry } from './registry.ts';
import { authorizeReplays } from './replays.ts';
import { authorizeServing } from './serving.ts';

export const authorizePlatform = (
  platform: Platform,
  dependencies: CheckDependencies,
): Platform => {
  const checks = createChecks(dependencies);
  return {
    ...platform,
    publishing: authorizePublishing(platform.publishing, checks),
    serving: authorizeServing(platform.serving, checks),
    registry: authorizeRegistry(platform.registry, checks),
    datasets: authorizeDatasets(platform.datasets, checks),
    replays: authorizeReplays(platform.replays, checks),
    audit: authorizeAudit(platform.audit, checks),
    keys: authorizeKeys(platform.keys, checks),
    operations: authorizeOperations(platform.operations, checks),
    access: () => fail('MR_INTERNAL', 'the authorized platform cannot be authorized again'),
  };
};
