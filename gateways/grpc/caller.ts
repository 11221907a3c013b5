/** The caller of a gRPC call. */
import type { Metadata } from '@grpc/grpc-js';
import type { Caller } from '#domain/api/caller.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import { ACTOR, callerWith, ownActor } from '#gateways/shared/caller.ts';
import type { CallScope } from './call-scope.ts';
import type { GrpcContext, IncomingCall } from './service-module.ts';

const named = (metadata: Metadata, principal: Principal | null, scope: CallScope): Caller => {
  const actor = principal?.actor ?? ownActor('metadata', metadata.get(ACTOR)[0]);
  scope.actor = actor;
  return callerWith(actor, scope.requestId, principal, scope.trace);
};

/** `127.0.0.1:50912`, `[::1]:50912` → the address */
const peerAddress = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

/** @param scope gets the actor, for the log. @throws the refusals of authentication */
export const callerOf = (
  { access, addressOf }: GrpcContext,
  call: Pick<IncomingCall, 'metadata' | 'getPeer'>,
  scope: CallScope,
): Caller | Promise<Caller> => {
  const { metadata } = call;
  if (access === undefined) return named(metadata, null, scope);
  const [authorization] = metadata.get('authorization');
  const principal = access.authenticate({
    authorization: typeof authorization === 'string' ? authorization : undefined,
    address: addressOf(peerAddress(call.getPeer()), metadata.get('x-forwarded-for')[0]?.toString()),
  });
  return principal instanceof Promise
    ? principal.then((one) => named(metadata, one, scope))
    : named(metadata, principal, scope);
};
