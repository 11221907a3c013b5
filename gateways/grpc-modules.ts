/** Every gRPC service module of the server. */
import { feastServices } from './feast/grpc.ts';
import type { FeastStatuses } from './feast/online-features.ts';
import { nativeServices } from './grpc/native.ts';
import type { ServiceModule } from './grpc/service-module.ts';

/**
 * @param feastStatuses how Feast's clients see nulls and expired values
 * @param version what Feast's clients get as the version of the server
 */
export const grpcModules = (
  feastStatuses: FeastStatuses = 'exact',
  version = '0.1.0',
): readonly ServiceModule[] => [nativeServices, feastServices(feastStatuses, version)];
