/** An expression as readable text, for messages and explanations. */
import type { Expr } from './ast.ts';

export function formatExpr(expr: Expr): string {
  switch (expr.op) {
    case 'col':
    case 'input':
      return expr.name;
    case 'lit':
      return JSON.stringify(expr.value);
    case 'call':
      return `${expr.fn}(${expr.args.map(formatExpr).join(', ')})`;
    case 'when':
      return `when ${expr.branches.map(([condition, value]) => `${formatExpr(condition)} then ${formatExpr(value)}`).join(', ')} otherwise ${formatExpr(expr.otherwise)}`;
  }
}
