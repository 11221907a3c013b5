/** The caller of a gRPC call. */
import type { Metadata } from '@grpc/grpc-js';
import type { Caller } from '#domain/api/caller.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import { ACTOR, callerWith, ownActor } from '#gateways/shared/caller.ts';
import type { Authenticated } from './call-budgets.ts';
import type { CallScope } from './call-scope.ts';
import type { GrpcContext, IncomingCall } from './service-module.ts';

const named = (metadata: Metadata, principal: Principal | null, scope: CallScope): Caller => {
  const actor = principal?.actor ?? ownActor('metadata', metadata.get(ACTOR)[0]);
  scope.actor = actor;
  return callerWith(actor, scope.requestId, principal, scope.trace);
};

/** `127.0.0.1:50912`, `[::1]:50912` → the address */
const peerAddress = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

type Authenticating = Pick<GrpcContext, 'access' | 'addressOf'>;

/** @throws the refusals of authentication */
export const principalOf = (
  { access, addressOf }: Authenticating,
  metadata: Metadata,
  peer: string,
): Authenticated => {
  if (access === undefined) return null;
  const [authorization] = metadata.get('authorization');
  return access.authenticate({
    authorization: typeof authorization === 'string' ? authorization : undefined,
    address: addressOf(peerAddress(peer), metadata.get('x-forwarded-for')[0]?.toString()),
  });
};

/**
 * @param scope gets the actor, for the log
 * @throws the refusals of authentication, MR_OVERLOADED
 */
export const callerOf = (
  context: GrpcContext,
  call: Pick<IncomingCall, 'metadata' | 'getPeer'>,
  scope: CallScope,
): Caller | Promise<Caller> => {
  const { metadata } = call;
  const { budgets } = context;
  const admitted = (principal: Principal | null): Caller => {
    const caller = named(metadata, principal, scope);
    budgets.admit(metadata, principal);
    return caller;
  };
  const early = budgets.takePrincipal(metadata);
  const principal = early === undefined ? principalOf(context, metadata, call.getPeer()) : early;
  return principal instanceof Promise ? principal.then(admitted) : admitted(principal);
};
