/** The audit log. */
import type { Audit } from '#domain/api/audit.ts';
import type { AuditLog } from '#projections/audit/audit.ts';

export const createAudit = ({
  log,
  verify,
  head,
}: Pick<AuditLog, 'log' | 'verify' | 'head'>): Audit => ({
  log: (query) => log(query),
  verify: (saved) => verify(saved),
  head: () => head(),
});
