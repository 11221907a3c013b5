/** Authorization of publishing, exporting and resending events. */
import type { Publishing } from '#domain/api/publishing.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import type { Row } from '#domain/values/value.ts';
import type { Checks } from './checks.ts';

export const authorizePublishing = (
  publishing: Publishing,
  { authorize, charged, source, rates, holds }: Checks,
): Publishing => {
  /** An export ends when its caller's key is revoked or expires. */
  async function* whileHeld(
    principal: Principal,
    batches: AsyncIterable<readonly Row[]>,
  ): AsyncGenerator<readonly Row[]> {
    for await (const batch of batches) {
      if (!holds(principal))
        fail('MR_UNAUTHENTICATED', `the key of "${principal.actor}" was revoked or has expired`);
      yield batch;
    }
  }
  return {
    async publish(request, caller) {
      const principal = authorize(caller, 'publish', source(request.source));
      charged(principal, () => rates.events(principal, request.events.length));
      return publishing.publish(request, caller);
    },
    async snapshot(request, caller) {
      const principal = authorize(caller, 'publish', source(request.source));
      charged(principal, () => rates.events(principal, 1));
      return publishing.snapshot(request, caller);
    },
    async snapshots(name, caller) {
      authorize(caller, 'publish', source(name));
      return publishing.snapshots(name, caller);
    },
    async producerSequence(name, producer, caller) {
      authorize(caller, 'publish', source(name));
      return publishing.producerSequence(name, producer, caller);
    },
    async importHistory(request, caller) {
      const principal = authorize(caller, 'operate', source(request.source));
      charged(principal, () => rates.events(principal, request.events.length));
      return publishing.importHistory(request, caller);
    },
    async importSequence(name, producer, caller) {
      authorize(caller, 'operate', source(name));
      return publishing.importSequence(name, producer, caller);
    },
    async exportEvents(name, caller) {
      const principal = authorize(caller, 'operate', source(name));
      return whileHeld(principal, await publishing.exportEvents(name, caller));
    },
    async rejected(name, query, caller) {
      authorize(caller, 'operate', source(name));
      return publishing.rejected(name, query, caller);
    },
    async resendRejected(name, request, caller) {
      const principal = authorize(caller, 'operate', source(name));
      charged(principal, () => rates.events(principal, request.positions.length));
      return publishing.resendRejected(name, request, caller);
    },
  };
};
