/**
 * Who calls. Where keys are asked for, the key's name; else a caller names itself, and one that
 * does not is anonymous.
 */
import type { Metadata } from '@grpc/grpc-js';
import type { Caller } from '#domain/api/caller.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import { parseActor } from '#gateways/actor.ts';
import type { CallScope } from './call-scope.ts';
import type { IncomingCall } from './calls.ts';
import type { GrpcContext } from './service.ts';

const ownName = (metadata: Metadata): string => {
  const [actor] = metadata.get('x-millrace-actor');
  return parseActor(actor === undefined ? undefined : String(actor), 'metadata');
};

const named = (metadata: Metadata, principal: Principal | null, scope: CallScope): Caller => {
  const actor = principal?.actor ?? ownName(metadata);
  scope.actor = actor;
  const { requestId, trace } = scope;
  if (principal === null)
    return trace === null ? { actor, requestId } : { actor, requestId, trace };
  return trace === null ? { actor, requestId, principal } : { actor, requestId, principal, trace };
};

/** `127.0.0.1:50912`, `[::1]:50912` → the address */
const addressOf = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

export const callerOf = (
  { access }: GrpcContext,
  call: Pick<IncomingCall, 'metadata' | 'getPeer'>,
  scope: CallScope,
): Caller | Promise<Caller> => {
  const { metadata } = call;
  if (access === undefined) return named(metadata, null, scope);
  const [authorization] = metadata.get('authorization');
  const principal = access.authenticate({
    authorization: typeof authorization === 'string' ? authorization : undefined,
    address: addressOf(call.getPeer()),
  });
  return principal instanceof Promise
    ? principal.then((one) => named(metadata, one, scope))
    : named(metadata, principal, scope);
};
