/** Authorization of the audit log: records of visible namespaces only. */
import type { Audit } from '#domain/api/audit.ts';
import type { Checks } from './checks.ts';
import { hideIn, visibleTo } from './hide.ts';

export const authorizeAudit = (
  audit: Audit,
  { authorize, visibleNamespaces, resources, refusals }: Checks,
): Audit => ({
  async log(query, caller) {
    const visible = visibleNamespaces(caller, 'audit');
    const shown = visibleTo(caller, resources.namespaceOf);
    await refusals.written();
    const page = await audit.log(query, caller);
    return {
      ...page,
      records: page.records
        .filter(({ subject }) => visible(resources.namespaceOf(subject)))
        .map((record) => (visible(null) ? record : hideIn(record, shown))),
    };
  },
  async verify(expected, caller) {
    authorize(caller, 'audit', []);
    return audit.verify(expected, caller);
  },
  async head(caller) {
    authorize(caller, 'audit', []);
    return audit.head(caller);
  },
  async publicKey(caller) {
    authorize(caller, 'audit', []);
    return audit.publicKey(caller);
  },
});
