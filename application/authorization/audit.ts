/** Authorization of the audit log: records of visible namespaces only. */
import type { Audit } from '#domain/api/audit.ts';
import type { Checks } from './checks.ts';

export const authorizeAudit = (
  audit: Audit,
  { authorize, visibleNamespaces, resources, refusals }: Checks,
): Audit => ({
  async log(query, caller) {
    const visible = visibleNamespaces(caller, 'audit');
    await refusals.written();
    const page = await audit.log(query, caller);
    return {
      ...page,
      records: page.records.filter(({ subject }) => visible(resources.namespaceOf(subject))),
    };
  },
  async verify(caller) {
    authorize(caller, 'audit', []);
    return audit.verify(caller);
  },
});
