/** Answers of tools, as far as the tests look at them. */
export interface ReadAnswer {
  readonly rows: readonly {
    readonly entity: Readonly<Record<string, unknown>>;
    readonly values: Readonly<Record<string, unknown>>;
    readonly status?: Readonly<Record<string, string>>;
  }[];
}

/** What POST /v1/features answers. */
export interface FeaturesAnswer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly status: readonly (readonly string[])[];
  readonly features: readonly string[];
  readonly at: number;
  readonly known: number;
}

export interface DatasetAnswer {
  readonly id: string;
  readonly state: string;
  readonly rows: number | null;
  readonly data?: string;
}

/** The rows of a tool, from those of HTTP. */
export const rowsOf = ({ rows, status, features }: FeaturesAnswer): ReadAnswer['rows'] =>
  rows.map((row, r) => {
    const others = features.flatMap((name, f) => {
      const one = status[r]?.[f] as string;
      return one === 'present' ? [] : [[name, one] as const];
    });
    const isKey = ([name]: readonly [string, unknown]): boolean => !features.includes(name);
    return {
      entity: Object.fromEntries(Object.entries(row).filter(isKey)),
      values: Object.fromEntries(features.map((name) => [name, row[name]])),
      ...(others.length === 0 ? {} : { status: Object.fromEntries(others) }),
    };
  });
