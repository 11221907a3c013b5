/** The names of the log's topics. */
export const rawTopic = (source: string): string => `raw.${source}`;
export const rejectedTopic = (source: string): string => `rejected.${source}`;
/** which of the rejected events were published again */
export const resentTopic = (source: string): string => `resent.${source}`;
/** which complete snapshots of a dimension were published */
export const snapshotTopic = (source: string): string => `snapshots.${source}`;
/** for producers that write to Kafka directly, JSON or Avro; stack profile only */
export const ingestTopic = (source: string): string => `ingest.${source}`;
export const featuresTopic = (view: string): string => `features.${view}`;
export const lateTopic = (view: string): string => `late.${view}`;
/** the feature log of a service */
export const featureLogTopic = (service: string): string => `served.${service}`;

const isOf =
  (named: (name: string) => string) =>
  (topic: string): boolean =>
    topic.startsWith(named(''));
export const isRawTopic = isOf(rawTopic);
export const isRejectedTopic = isOf(rejectedTopic);
export const isIngestTopic = isOf(ingestTopic);
export const isFeaturesTopic = isOf(featuresTopic);
export const isLateTopic = isOf(lateTopic);
/** `raw.flights` → `flights` */
export const nameOfTopic = (topic: string): string => topic.slice(topic.indexOf('.') + 1);
/** Of which topics the history has tables; a log may trim what they have. */
const WITH_HISTORY = [isRawTopic, isFeaturesTopic, isOf(featureLogTopic)];
export const hasHistory = (topic: string): boolean => WITH_HISTORY.some((has) => has(topic));

export const REGISTRY_TOPIC = 'registry';
/** numbers the commits that it writes to the topic `registry` */
export const OUTBOX_CONSUMER = 'registry-outbox';
/** OpenLineage events */
export const LINEAGE_TOPIC = 'lineage';
