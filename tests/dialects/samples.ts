/** Of random expressions, views and rows, those whose results the engines give exactly. */
import type { Expr } from '#domain/expressions/ast.ts';
import type { Row } from '#domain/values/value.ts';
import type { Definitions } from '#tests/oracle/oracle.ts';

/** Texts of these are ordered alike by code point and by UTF-16 code unit. */
const HIGH = /[\ue000-\uffff\0]/g;

/**
 * Without functions whose last digit, or whose table of letters, is the engine's own; a regular
 * expression of the JSON would also find them in literals, which does no harm.
 */
export const comparable = (tree: Expr): boolean => {
  const text = JSON.stringify(tree);
  return !/"(ln|upper)"|\\u0000/.test(text) && !/[\ue000-\uffff]/.test(text);
};

export const orderedAlike = (row: Row): Row =>
  typeof row.s === 'string' ? { ...row, s: row.s.replace(HIGH, 'z') } : row;

/** No feature has an input that the events of these tests have no literal for. */
export const expressible = ({ view }: Definitions): boolean =>
  Object.values(view.features).every(
    ({ input }) => input?.op !== 'col' || !['y', 'tags'].includes(input.name),
  );
