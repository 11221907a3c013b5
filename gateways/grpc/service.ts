/** A gRPC service that the server offers: what it is, and what answers it. Each protocol (ours, Feast's) brings its own. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Platform } from '#gateways/platform.ts';

export interface GrpcContext {
  readonly platform: Platform;
}

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export type GrpcServices = (context: GrpcContext) => readonly GrpcService[];
