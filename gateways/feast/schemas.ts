/** The bodies of Feast's feature server. Feast ignores unknown properties, and so do these. */
import { type Static, Type } from 'typebox';
import { nullable, oneOf, shapeOf } from '#gateways/http/schemas/shapes.ts';
import type { OnlineFeaturesBody } from './online-features.ts';
import type { Frame } from './write.ts';

const columns = Type.Unsafe<Frame>({
  type: 'object',
  additionalProperties: Type.Array(Type.Unknown()),
});
const flag = Type.Optional(Type.Boolean());

export const onlineFeaturesBody = shapeOf<OnlineFeaturesBody>()(
  Type.Object({
    entities: columns,
    features: Type.Optional(Type.Array(Type.String())),
    feature_service: Type.Optional(nullable(Type.String())),
    full_feature_names: flag,
    include_feature_view_version_metadata: flag,
  }),
);

const frame = { df: columns, allow_registry_cache: flag, transform_on_write: flag };

export const pushBody = Type.Object({
  push_source_name: Type.String(),
  to: Type.Optional(oneOf('online', 'offline', 'online_and_offline')),
  ...frame,
});
export type PushBody = Static<typeof pushBody>;

export const writeBody = Type.Object({ feature_view_name: Type.String(), ...frame });
export type WriteBody = Static<typeof writeBody>;

export const materializeBody = Type.Object(
  { feature_views: Type.Optional(nullable(Type.Array(Type.String()))) },
  { additionalProperties: true },
);
export type MaterializeBody = Static<typeof materializeBody>;

/** Answers whose form is in Feast's own documentation. */
export const anyAnswer = {
  200: { description: 'done', content: { 'application/json': { schema: Type.Unknown() } } },
} as const;
