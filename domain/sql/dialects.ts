/** Every dialect. Tests of `domain/sql` run on each. */
import type { Dialect } from './dialect.ts';
import { FLINK } from './flink/dialect.ts';

export const DIALECTS: readonly Dialect[] = [FLINK];
