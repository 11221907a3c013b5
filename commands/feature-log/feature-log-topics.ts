/**
 * The topics of the feature log and the schemas of their records. They are created when a service
 * is logged for the first time, and when its columns change.
 */
import { messageOf } from '#domain/error-message.ts';
import { hasCode } from '#domain/errors.ts';
import {
  type FeatureLogCodec,
  type FeatureLogColumns,
  featureLogCodec,
} from '#domain/feature-log/feature-log-record.ts';
import type { Log } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { featureLogTopic } from '#domain/ports/topics.ts';

export interface FeatureLogTopic {
  /** null: the topic cannot have these columns, or could not be created */
  readonly codec: FeatureLogCodec | null;
  readonly schemaId: number;
}

interface FeatureLogTopicsDependencies {
  readonly log: Log;
  readonly schemas: SchemaRegistry;
  readonly warn: (message: string) => void;
}

/**
 * @returns a function that opens a service's topic. It calls `again` where a later attempt may
 * succeed: when the registry could not be reached, but not when the columns do not fit.
 */
export const featureLogTopics = ({
  log,
  schemas,
  warn,
}: FeatureLogTopicsDependencies): ((
  columns: FeatureLogColumns,
  again: () => void,
) => Promise<FeatureLogTopic>) => {
  /** service → its topic, and the text of the schema that was registered last */
  const registered = new Map<string, { readonly text: string; readonly topic: FeatureLogTopic }>();
  return async (columns, again) => {
    const { service } = columns;
    const codec = featureLogCodec(columns);
    const text = JSON.stringify(codec.schema);
    const last = registered.get(service);
    if (last?.text === text) return last.topic;
    const name = featureLogTopic(service);
    try {
      await log.createTopic(name, { partitions: 1 });
      const topic = { codec, schemaId: await schemas.register(`${name}-value`, codec.schema) };
      registered.set(service, { text, topic });
      return topic;
    } catch (error) {
      warn(`answers of "${service}" cannot be logged: ${messageOf(error)}`);
      if (!hasCode(error, 'MR_SCHEMA_INCOMPATIBLE')) again();
      return { codec: null, schemaId: -1 };
    }
  };
};
