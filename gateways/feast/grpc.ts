/**
 * Feast's gRPC services `ServingService` and `GrpcFeatureServer`, so that its clients work
 * unchanged.
 */
import { join } from 'node:path';
import type { ReadOrigins, ReadResult } from '#domain/api/serving.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import { open, unary } from '#gateways/grpc/calls.ts';
import { loadProtos, type ProtoFiles, serviceOf } from '#gateways/grpc/protos.ts';
import type { GrpcContext, ServiceModule } from '#gateways/grpc/service-module.ts';
import { bounded } from '#gateways/shared/checks.ts';
import { checkColumns, checkOnline } from './checks.ts';
import { type FeastValue, feastValueOf, plainOf } from './grpc-values.ts';
import {
  AS_FEAST,
  type FeastStatuses,
  givenKeys,
  type OnlineFeaturesBody,
  readRequestOf,
  STATUS,
} from './online-features.ts';
import { namesOf, readAsFeast } from './read.ts';
import { type Frame, push, writeView } from './write.ts';

const FILES: ProtoFiles = {
  directory: join(import.meta.dirname, 'protos'),
  files: ['feast/serving/ServingService.proto', 'feast/serving/GrpcServer.proto'],
};
const protos = loadProtos(FILES);

type Columns = Readonly<Record<string, { readonly val: readonly FeastValue[] }>>;

interface OnlineRequest {
  readonly kind?: 'featureService' | 'features';
  readonly featureService?: string;
  readonly features?: { readonly val: readonly string[] };
  readonly entities: Columns;
  readonly fullFeatureNames: boolean;
  readonly requestContext: Columns;
  readonly includeFeatureViewVersionMetadata: boolean;
}

interface RowRequest {
  readonly features: Readonly<Record<string, string>>;
  readonly typedFeatures: Readonly<Record<string, FeastValue>>;
}

const columnsOf = (columns: Columns): Record<string, readonly unknown[]> =>
  Object.fromEntries(Object.entries(columns).map(([name, { val }]) => [name, val.map(plainOf)]));

const bodyOf = (request: OnlineRequest): OnlineFeaturesBody => ({
  entities: { ...columnsOf(request.entities), ...columnsOf(request.requestContext) },
  ...(request.kind === 'featureService'
    ? { feature_service: request.featureService ?? '' }
    : { features: request.features?.val ?? [] }),
  full_feature_names: request.fullFeatureNames,
});

const EPOCH = { seconds: 0, nanos: 0 };
const timeOf = (time: number | null): typeof EPOCH =>
  time === null
    ? EPOCH
    : { seconds: Math.floor(time / 1000), nanos: (((time % 1000) + 1000) % 1000) * 1_000_000 };

const answerOf = (
  request: OnlineRequest,
  body: OnlineFeaturesBody,
  result: ReadResult,
  statuses: FeastStatuses,
): object => {
  const { keys, viewOf, types, newest } = result.origins as ReadOrigins;
  const says = statuses === 'feast' ? AS_FEAST : STATUS;
  const given = { ...request.requestContext, ...request.entities };
  const columns = givenKeys(body, keys);
  const vectors = columns.map((key) => ({
    values: given[key]?.val ?? [],
    statuses: result.entities.map(() => 'PRESENT'),
    eventTimestamps: result.entities.map(() => EPOCH),
  }));
  for (let feature = 0; feature < result.features.length; feature++) {
    const times = newest[viewOf[feature] as number];
    vectors.push({
      values: result.values.map((row) =>
        feastValueOf(row[feature] as Value, types[feature] as FieldType),
      ),
      statuses: result.status.map((row) => says[row[feature] as FeatureStatus]),
      eventTimestamps: result.entities.map((_, row) => timeOf(times?.[row] ?? null)),
    });
  }
  return {
    metadata: {
      featureNames: { val: [...columns, ...namesOf(result, body.full_feature_names === true)] },
      featureViewMetadata: request.includeFeatureViewVersionMetadata
        ? result.views.map(({ view, version }) => ({ name: view, version }))
        : [],
    },
    results: vectors,
    status: true,
  };
};

/** One row: typed values, or texts that are read with the types of the source. */
const frameOf = ({
  features,
  typedFeatures,
}: RowRequest): { readonly frame: Frame; readonly texts: boolean } => {
  const typed = Object.entries(typedFeatures);
  if (typed.length > 0)
    return {
      frame: Object.fromEntries(typed.map(([name, value]) => [name, [plainOf(value)]])),
      texts: false,
    };
  return {
    frame: Object.fromEntries(Object.entries(features).map(([name, value]) => [name, [value]])),
    texts: true,
  };
};

export const feastServices = (statuses: FeastStatuses, version: string): ServiceModule => ({
  name: 'feast',
  services(context: GrpcContext) {
    const { platform, limits } = context;
    const online = unary<OnlineRequest, object>(context, async (request, _call, caller) => {
      const body = bodyOf(request);
      checkOnline(body, limits);
      return answerOf(
        request,
        body,
        await readAsFeast(platform, bounded(readRequestOf(body), limits), caller),
        statuses,
      );
    });
    return [
      {
        definition: serviceOf(protos, 'feast.serving.ServingService'),
        implementation: {
          GetFeastServingInfo: open<object, object>(context, async () => ({ version })),
          GetOnlineFeatures: online,
        },
      },
      {
        definition: serviceOf(protos, 'GrpcFeatureServer'),
        implementation: {
          GetOnlineFeatures: online,
          Push: unary<RowRequest & { readonly streamFeatureView: string }, object>(
            context,
            async (request, _call, caller) => {
              const { frame, texts } = frameOf(request);
              checkColumns('features', frame, limits.events);
              await push(platform, request.streamFeatureView, frame, caller, texts);
              return { status: true };
            },
          ),
          WriteToOnlineStore: unary<RowRequest & { readonly featureViewName: string }, object>(
            context,
            async (request, _call, caller) => {
              const { frame, texts } = frameOf(request);
              checkColumns('features', frame, limits.events);
              await writeView(platform, request.featureViewName, frame, caller, texts);
              return { status: true };
            },
          ),
        },
      },
    ];
  },
});
