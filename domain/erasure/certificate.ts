/** What an erasure has removed, and what remains: for the person who asked, and for auditors. */

/** A copy of a fact that the erasure does not reach, with the reason. */
export interface Remains {
  readonly what: string;
  readonly why: string;
}

/** An answer of a service that the feature log had. */
export interface LoggedAnswer {
  readonly service: string;
  readonly requestId: string;
}

/** A view of other entities that had events of the entity, and the generation without them. */
export interface RecomputedView {
  readonly view: string;
  readonly generation: number;
}

export interface ErasureCertificate {
  readonly format: 1;
  /** the platform's id */
  readonly platform: string;
  readonly entity: {
    readonly definitions: readonly string[];
    readonly keyNames: readonly string[];
    /**
     * SHA-256 of `["<platform>", …encoded keys]` as JSON: who knows the key can check that the
     * certificate is about it, and the certificate does not name it
     */
    readonly digest: string;
  };
  readonly reason: string;
  /** ISO 8601: when the first run of this erasure began, and when this one ended */
  readonly started: string;
  readonly ended: string;
  readonly removed: {
    /** positions in the log, the history or both, by topic, over all runs */
    readonly records: Readonly<Record<string, number>>;
    /** what this run did to the history, by topic */
    readonly history: Readonly<
      Record<string, { readonly rows: number; readonly files: number; readonly snapshots: number }>
    >;
    /** saved states, by file: written without the entity, or dropped, to be built again */
    readonly states: Readonly<Record<string, 'rewritten' | 'dropped'>>;
    /** backup directories that were removed */
    readonly backups: readonly string[];
  };
  /** what had contained the entity, over all runs */
  readonly contained: {
    /** files of data sets; all were removed */
    readonly dataSets: readonly string[];
    readonly views: readonly string[];
    readonly services: readonly string[];
    readonly answers: readonly LoggedAnswer[];
  };
  /** the present values of others that had counted its events, and do not any more */
  readonly recomputed: readonly RecomputedView[];
  readonly remains: readonly Remains[];
}

export interface SignedCertificate {
  readonly certificate: ErasureCertificate;
  /** over the certificate as JSON without spaces; null: there was no key */
  readonly signature: {
    readonly algorithm: 'HMAC-SHA256' | 'Ed25519';
    /** base64 */
    readonly value: string;
  } | null;
}

/** Where `millrace erase verify` found the entity. */
export interface Trace {
  readonly where: string;
  readonly what: string;
}
