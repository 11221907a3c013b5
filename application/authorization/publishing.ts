/** Authorization of publishing, exporting and resending events. */
import type { Publishing } from '#domain/api/publishing.ts';
import { OPEN, type Principal } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import type { Row } from '#domain/values/value.ts';
import type { Checks } from './checks.ts';

const MAX_CACHED = 10_000;

export const authorizePublishing = (
  publishing: Publishing,
  { authorize, charged, source, rates, holds, producers, refusals }: Checks,
): Publishing => {
  /** source and producer → owner, as far as this process knows: an owner changes by a claim only */
  const owners = new Map<string, string>();
  /**
   * A producer id belongs to the principal that used it first: another one must not advance its
   * sequence. While callers are not authenticated, they are all one principal.
   * @param uses false: it is only looked at
   */
  const ownProducer = async (
    principal: Principal,
    name: string,
    producer: string | undefined,
    uses = true,
  ): Promise<void> => {
    if (producer === undefined || principal === OPEN) return;
    const key = `${name}\n${producer}`;
    if (owners.get(key) === principal.id) return;
    const { replaces = [] } = principal;
    if (!uses) {
      const owner = await producers.owner(name, producer);
      if (owner === null || owner === principal.id || replaces.includes(owner)) return;
    } else {
      const owner = await producers.claim(name, producer, principal.id, replaces);
      if (owners.size >= MAX_CACHED) owners.clear();
      owners.set(key, owner);
      if (owner === principal.id) return;
    }
    const message = `producer ${JSON.stringify(producer)} of source "${name}" belongs to another key or token: use another producer id, or a key that replaces that one (\`millrace keys create --replaces\`)`;
    refusals.record({
      actor: principal.actor ?? '',
      principal: principal.id,
      command: 'Produce',
      subject: `source/${name}`,
      code: 'MR_FORBIDDEN',
      message,
    });
    fail('MR_FORBIDDEN', message, { producer });
  };

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
      await ownProducer(principal, request.source, request.producer?.id);
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
      await ownProducer(authorize(caller, 'publish', source(name)), name, producer, false);
      return publishing.producerSequence(name, producer, caller);
    },
    async importHistory(request, caller) {
      const principal = authorize(caller, 'operate', source(request.source));
      await ownProducer(principal, request.source, request.producer?.id);
      charged(principal, () => rates.events(principal, request.events.length));
      return publishing.importHistory(request, caller);
    },
    async importSequence(name, producer, caller) {
      await ownProducer(authorize(caller, 'operate', source(name)), name, producer, false);
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
