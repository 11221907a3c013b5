// Original file: protos/millrace/v1/millrace.proto

export const FeatureStatus = {
  /**
   * A row whose values are all present lists no statuses.
   */
  PRESENT: 'PRESENT',
  NULL: 'NULL',
  NOT_FOUND: 'NOT_FOUND',
  EXPIRED: 'EXPIRED',
  OVERFLOW: 'OVERFLOW',
} as const;

export type FeatureStatus =
  /**
   * A row whose values are all present lists no statuses.
   */
  | 'PRESENT'
  | 0
  | 'NULL'
  | 1
  | 'NOT_FOUND'
  | 2
  | 'EXPIRED'
  | 3
  | 'OVERFLOW'
  | 4

export type FeatureStatus__Output = typeof FeatureStatus[keyof typeof FeatureStatus]
