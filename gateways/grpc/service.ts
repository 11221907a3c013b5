/**
 * A gRPC service that the server offers: what it is, and what answers it. Each protocol (ours,
 * Feast's) brings its own.
 */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Platform } from '#domain/api/platform.ts';
import type { Access } from '#domain/ports/access.ts';
import type { HttpLimits } from '#gateways/http/limits.ts';
import type { OpenScope } from './call-scope.ts';

export interface GrpcContext {
  readonly platform: Platform;
  readonly limits: HttpLimits;
  /** absent: nobody is asked who he is */
  readonly access?: Access;
  /** a cause that no caller is shown */
  readonly onInternalError: (error: unknown, request: string) => void;
  readonly openScope: OpenScope;
}

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** The services of one protocol. */
export interface GrpcProtocol {
  readonly services: (context: GrpcContext) => readonly GrpcService[];
}
