/**
 * Values that an expression uses several times get a name, once each: SQL has no local names, and a
 * value that is written out twice, which itself has a part that is written out twice, would double
 * the text at each level. So a value becomes a column of a step before, and a step reads the one
 * before it:
 *
 *   a / b, checked   →  step_1: a / NULLIF(b, 0E0) AS __v1
 *                       then:   CASE WHEN ABS(__v1) <= … THEN __v1 + 0E0 END
 *
 * Names begin with two underscores, as no field of a source does. The values of a step are computed
 * for every row, so what is bound must have no error for any row.
 */

const NAME = /\b__v\d+\b/g;
const ONLY_NAME = /^__v\d+$/;

export interface Steps {
  /** @returns the name of the value; a name has itself */
  readonly bind: (sql: string) => string;
  /** of each step, what it adds: `sql AS name` */
  readonly added: () => readonly (readonly string[])[];
}

export const createSteps = (): Steps => {
  const named = new Map<string, string>();
  const levels = new Map<string, number>();
  const added: string[][] = [];
  return {
    bind(sql) {
      if (ONLY_NAME.test(sql)) return sql;
      const known = named.get(sql);
      if (known !== undefined) return known;
      const name = `__v${named.size + 1}`;
      const level =
        Math.max(-1, ...(sql.match(NAME) ?? []).map((one) => levels.get(one) ?? -1)) + 1;
      named.set(sql, name);
      levels.set(name, level);
      (added[level] ??= []).push(`${sql} AS ${name}`);
      return name;
    },
    added: () => added,
  };
};

export interface Cte {
  readonly name: string;
  /** a text literal in one of them may have lines of its own, which must stay as they are */
  readonly lines: readonly string[];
}

/** @returns the steps over a relation, and the name of the last one */
export const stepsOver = (
  steps: Steps,
  relation: string,
): { readonly ctes: readonly Cte[]; readonly last: string } => {
  let last = relation;
  const ctes = steps.added().map((columns, i): Cte => {
    const lines = ['SELECT', '  *,', ...listed(columns), `FROM ${last}`];
    last = `step_${i + 1}`;
    return { name: last, lines };
  });
  return { ctes, last };
};

/** Items of a list of SELECT, a line each. */
export const listed = (items: readonly string[]): readonly string[] =>
  items.map((item, i) => `  ${item}${i < items.length - 1 ? ',' : ''}`);

const cteText = ({ name, lines }: Cte): string =>
  `${name} AS (\n${lines.map((line) => `  ${line}`).join('\n')}\n)`;

/** A query with what it reads before it. */
export const withQuery = (ctes: readonly Cte[], query: string): string =>
  ctes.length === 0 ? query : `WITH ${ctes.map(cteText).join(',\n')}\n${query}`;

/**
 * A comment of these lines, without what could end it. A statement that began with dashes would be
 * an option to a command line.
 */
export const comment = (lines: readonly string[]): string =>
  `/*\n${lines.map((line) => `  ${line.replaceAll('*/', '* /').replaceAll('/*', '/ *')}`).join('\n')}\n*/\n`;
