/**
 * The function table: every function of an expression, by name. A new function is a name in
 * `FunctionName`, a row in one of these lists, and a row in each SQL dialect.
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
