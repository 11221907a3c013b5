/** The audit log. */
import type { Audit } from '#domain/api/audit.ts';
import type { AuditLog } from '#projections/audit/audit.ts';

export const createAudit = ({ log, verify }: Pick<AuditLog, 'log' | 'verify'>): Audit => ({
  log: (query) => log(query),
  verify: () => verify(),
});
