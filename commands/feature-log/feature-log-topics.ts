/**
 * The topics that what services answer is logged to, and the schemas of their records: made when
 * they are first wanted, and when they change.
 */
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import {
  type FeatureLogCodec,
  type FeatureLogColumns,
  featureLogCodec,
} from '#domain/feature-log/feature-log-record.ts';
import type { Log } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { featureLogTopic } from '#domain/ports/topics.ts';

export interface FeatureLogTopic {
  /** null: the topic cannot take these columns, or not now */
  readonly codec: FeatureLogCodec | null;
  readonly schemaId: number;
}

export interface FeatureLogTopicsDependencies {
  readonly log: Log;
  readonly schemas: SchemaRegistry;
  readonly warn: (message: string) => void;
}

/**
 * @returns `again` is called where a failure may pass: columns that do not fit never will, a
 * registry that is away comes back
 */
export const featureLogTopics = ({
  log,
  schemas,
  warn,
}: FeatureLogTopicsDependencies): ((
  columns: FeatureLogColumns,
  again: () => void,
) => Promise<FeatureLogTopic>) => {
  /** service → as it was registered last */
  const registered = new Map<string, { readonly text: string; readonly topic: FeatureLogTopic }>();
  return async (columns, again) => {
    const { service } = columns;
    const codec = featureLogCodec(columns);
    const text = JSON.stringify(codec.schema);
    const known = registered.get(service);
    if (known?.text === text) return known.topic;
    const name = featureLogTopic(service);
    try {
      await log.createTopic(name, { partitions: 1 });
      const topic = { codec, schemaId: await schemas.register(`${name}-value`, codec.schema) };
      registered.set(service, { text, topic });
      return topic;
    } catch (error) {
      warn(`what "${service}" serves cannot be logged: ${messageOf(error)}`);
      if (!(error instanceof MillraceError && error.code === 'MR_SCHEMA_INCOMPATIBLE')) again();
      return { codec: null, schemaId: -1 };
    }
  };
};
