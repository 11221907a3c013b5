/**
 * The function table: every function of an expression, by name. Adding one is one row in one of
 * these lists.
 */
import type { FunctionRow } from './function-row.ts';
import { CAST } from './functions-cast.ts';
import { LOGIC } from './functions-logic.ts';
import { NUMBER } from './functions-number.ts';
import { TEXT } from './functions-text.ts';
import { TIME } from './functions-time.ts';

export const FUNCTIONS: ReadonlyMap<string, FunctionRow> = new Map(
  [...LOGIC, ...NUMBER, ...TEXT, ...TIME, ...CAST].map((row) => [row.name, row]),
);
