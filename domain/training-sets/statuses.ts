/**
 * The statuses of a training set's values, where the request wants them: those of an online read at
 * the row's time. A column of statuses has one byte for each row of the spine.
 */
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { ResultValues } from './columns.ts';

export type StatusCodes = Uint8Array;

/** by code; 0 is the status of a row that nothing is computed for, as of one without a key */
const STATUSES: readonly FeatureStatus[] = ['not-found', 'expired', 'null', 'present', 'overflow'];
export const statusCode = (status: FeatureStatus): number => STATUSES.indexOf(status);

export const NOT_FOUND = statusCode('not-found');
export const EXPIRED = statusCode('expired');
export const NULL = statusCode('null');
export const PRESENT = statusCode('present');
export const OVERFLOWED = statusCode('overflow');

export const STATUS_TYPE = fieldType('string', false);

/** All not-found. */
export const statusCodes = (rows: number): StatusCodes => new Uint8Array(rows);

export const statusAt = (codes: StatusCodes, row: number): FeatureStatus =>
  STATUSES[codes[row] as number] as FeatureStatus;

/** Of an on-demand feature: it has a value for every entity, or is null. */
export const statusesOfValues = (values: ResultValues): StatusCodes =>
  Uint8Array.from(values as ArrayLike<unknown>, (value) =>
    value === null || Number.isNaN(value) ? NULL : PRESENT,
  );

/** @param feature the name of the feature's column */
export const statusColumn = (feature: string): string => `${feature}__status`;
