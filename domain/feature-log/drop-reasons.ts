/**
 * Why an answer that was in the sample is not on the log. full: the buffer was; schema: the topic
 * cannot take the service's columns; value: a value fits no column; failed: the log took none
 * before the process ended.
 */
export const DROP_REASONS = ['full', 'schema', 'value', 'failed'] as const;
export type DropReason = (typeof DROP_REASONS)[number];
