/** Where windows begin at the moment of a query. */
import type { PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import { doubleLiteral, type Syntax } from './syntax.ts';

export interface Bounds {
  /** the column that has the first time of a feature's window; null: all time */
  readonly of: (feature: PlannedFeature) => string | null;
  /** `sql AS name`, over a relation with the moment, `__at` */
  readonly columns: () => readonly string[];
}

/** Features with equal windows and hops share a column. */
export const createBounds = (plan: ViewPlan, { types }: Syntax): Bounds => {
  const names = new Map<string, string>();
  return {
    of({ windowMs, hop }) {
      const hopMs = plan.hops[hop]?.hopMs ?? 0;
      if (windowMs === null || hopMs === 0) return null;
      const [window, wide] = [doubleLiteral(windowMs), doubleLiteral(hopMs)];
      const start = `FLOOR((CAST(__at AS ${types.double}) - ${window}) / ${wide}) * ${wide}`;
      const sql = `CAST(${start} AS ${types.long})`;
      const name = names.get(sql) ?? `__from_${names.size + 1}`;
      names.set(sql, name);
      return name;
    },
    columns: () => [...names].map(([sql, name]) => `${sql} AS ${name}`),
  };
};
