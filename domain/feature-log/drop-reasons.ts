/**
 * Why a sampled answer is not on the feature log. full: the buffer was full; schema: the topic
 * cannot hold the service's columns; value: a value does not fit its column; failed: the log
 * accepted nothing before the process ended.
 */
export const DROP_REASONS = ['full', 'schema', 'value', 'failed'] as const;
export type DropReason = (typeof DROP_REASONS)[number];
