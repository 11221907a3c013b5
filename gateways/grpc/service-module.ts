/**
 * A service module: gRPC services that `serve` adds to the server. Each protocol has one,
 * Millrace's own and Feast's; `gateways/grpc-modules.ts` lists them.
 */
import type { Metadata, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Access, Platform } from '#domain/api/platform.ts';
import type { ClientAddress } from '#gateways/shared/client-address.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import type { CallBudgets } from './call-budgets.ts';
import type { OpenScope } from './call-scope.ts';

/** The parts of a call that every handler has, unary or stream. */
export interface IncomingCall {
  readonly metadata: Metadata;
  readonly getDeadline: () => Date | number;
  readonly getPeer: () => string;
}

export interface GrpcContext {
  readonly platform: Platform;
  readonly limits: GatewayLimits;
  /** absent: callers are not authenticated */
  readonly access?: Access;
  /** gets the cause of an internal error, which callers do not see */
  readonly onInternalError: (error: unknown, request: string) => void;
  readonly openScope: OpenScope;
  readonly budgets: CallBudgets;
  readonly addressOf: ClientAddress;
}

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface ServiceModule {
  /** one word, such as `millrace` */
  readonly name: string;
  readonly services: (context: GrpcContext) => readonly GrpcService[];
}
