/** Flink SQL with the Java module's functions (`java/`), which a session registers. */
import type { Dialect } from '../dialect.ts';
import { FLINK_FUNCTIONS } from './functions.ts';
import { FLINK_PARTIALS } from './partials.ts';
import { FLINK_TYPES, flinkConvert, flinkLiteral, flinkName, flinkType } from './types.ts';
import { FLINK_VALUES } from './values.ts';

export const FLINK: Dialect = {
  name: 'Flink',
  types: FLINK_TYPES,
  type: flinkType,
  identifier: flinkName,
  literal: flinkLiteral,
  convert: flinkConvert,
  functions: FLINK_FUNCTIONS,
  partials: FLINK_PARTIALS,
  values: FLINK_VALUES,
};
