/**
 * Authorization of erasures. One touches definitions of any namespace, also text of rejected
 * events, so only a grant in all namespaces is enough.
 */
import type { Erasures } from '#domain/api/erasures.ts';
import { PLATFORM } from './authorizer.ts';
import type { Checks } from './checks.ts';

export const authorizeErasures = (erasures: Erasures, { authorize }: Checks): Erasures => ({
  async request(request, caller) {
    authorize(caller, 'erase', PLATFORM);
    return erasures.request(request, caller);
  },
  async list(caller) {
    authorize(caller, 'erase', PLATFORM);
    return erasures.list(caller);
  },
  async get(id, caller) {
    authorize(caller, 'erase', PLATFORM);
    return erasures.get(id, caller);
  },
  async certificate(id, caller) {
    authorize(caller, 'erase', PLATFORM);
    return erasures.certificate(id, caller);
  },
});
