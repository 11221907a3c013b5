/**
 * The platform behind authorization. Each area has its rules in a file of its own; each method of
 * an area is there by name, so a new method without a rule does not compile, and no gateway has
 * rules of its own. A caller without a principal is refused.
 *
 * Lists are cut to what the caller may see. A single resource that the caller may not see is
 * MR_FORBIDDEN, and so is one that is not registered, with the same text.
 */
import type { Platform } from '#domain/api/platform.ts';
import { fail } from '#domain/errors.ts';
import { authorizeApprovals } from './approvals.ts';
import { authorizeAudit } from './audit.ts';
import { type CheckDependencies, createChecks } from './checks.ts';
import { authorizeDatasets } from './datasets.ts';
import { authorizeErasures } from './erasures.ts';
import { hidingErrors } from './hide.ts';
import { authorizeKeys } from './keys.ts';
import { authorizeOperations } from './operations.ts';
import { authorizePublishing } from './publishing.ts';
import { authorizeRegistry } from './registry.ts';
import { authorizeReplays } from './replays.ts';
import { authorizeServing } from './serving.ts';
import { authorizeSql } from './sql.ts';
import { authorizeTables } from './tables.ts';

export const authorizePlatform = (
  platform: Platform,
  dependencies: CheckDependencies,
): Platform => {
  const checks = createChecks(dependencies);
  const hiding = <A extends object>(area: A): A =>
    hidingErrors(area, dependencies.resources.namespaceOf);
  const sql = authorizeSql(hiding(platform.sql), checks);
  return {
    ...platform,
    publishing: authorizePublishing(hiding(platform.publishing), checks),
    serving: authorizeServing(hiding(platform.serving), checks),
    registry: authorizeRegistry(hiding(platform.registry), checks),
    datasets: authorizeDatasets(hiding(platform.datasets), checks, sql.query),
    sql,
    replays: authorizeReplays(hiding(platform.replays), checks),
    audit: authorizeAudit(hiding(platform.audit), checks),
    approvals: authorizeApprovals(hiding(platform.approvals), checks),
    erasures: authorizeErasures(hiding(platform.erasures), checks),
    keys: authorizeKeys(hiding(platform.keys), checks),
    operations: authorizeOperations(hiding(platform.operations), checks),
    tables: authorizeTables(hiding(platform.tables), checks),
    access: () => fail('MR_INTERNAL', 'the authorized platform cannot be authorized again'),
  };
};
