/**
 * Reads of 50 features of `drivers` in the forms of each protocol: bodies that are sent in turn.
 */
import type { MethodDefinition } from '@grpc/grpc-js';
import { nativeProtos } from '#gateways/grpc/native-protos.ts';
import { serviceOf } from '#gateways/grpc/protos.ts';
import { structOf } from '#gateways/grpc/struct.ts';
import { COLUMNS } from './redis-rig.ts';

const BODIES = 64;

const featureNames: readonly string[] = Array.from({ length: COLUMNS }, (_, i) => `drivers:f${i}`);
export const readMethod = serviceOf(nativeProtos, 'millrace.v1.Features').Read as MethodDefinition<
  object,
  object
>;

/** The entities of the body with this number. */
export const idsOf = (body: number, count: number, entities: number): number[] =>
  Array.from({ length: count }, (_, i) => (body * 15_485_863 + i * 7919) % entities);

const bodies = <T>(count: number, entities: number, of: (ids: readonly number[]) => T): T[] =>
  Array.from({ length: BODIES }, (_, body) => of(idsOf(body, count, entities)));

export const httpBodies = (count: number, entities: number): string[] =>
  bodies(count, entities, (ids) =>
    JSON.stringify({ features: featureNames, entities: ids.map((id) => ({ driver_id: id })) }),
  );

export const feastBodies = (count: number, entities: number): string[] =>
  bodies(count, entities, (ids) =>
    JSON.stringify({ features: featureNames, entities: { driver_id: ids } }),
  );

/** Of the vectors that Feast has precomputed: it answers them under full names only. */
export const feastVectorBodies = (count: number, entities: number): string[] =>
  bodies(count, entities, (ids) =>
    JSON.stringify({
      feature_service: 'vectors',
      entities: { driver_id: ids },
      full_feature_names: true,
    }),
  );

export const grpcBodies = (count: number, entities: number): Buffer[] =>
  bodies(count, entities, (ids) =>
    readMethod.requestSerialize({
      features: featureNames,
      entities: ids.map((id) => structOf({ driver_id: id })),
    }),
  );
