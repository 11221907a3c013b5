/**
 * The events of the registry, in the past tense, one stream for each definition
 * (`feature-view/airport_delays`). The generations of a feature view are in its stream, so that one
 * stream decides which one is live and which ones are filling.
 */
import type { Definition, Kind } from '#domain/definitions/model.ts';

/** A recompute for some days or entities; all null: everything. */
export interface ReplayRange {
  /** event time, epoch ms */
  readonly from: number | null;
  readonly to: number | null;
  /** encoded entity keys */
  readonly keys: readonly string[] | null;
}

/** Whether it leaves some days or entities out. */
export const isPartialRange = ({ from, to, keys }: ReplayRange): boolean =>
  from !== null || to !== null || keys !== null;

export interface ReplayInfo extends ReplayRange {
  readonly id: string;
  readonly reason: string | null;
  readonly actor: string;
}

export type RegistryEvent =
  | {
      readonly type:
        | 'EntityRegistered'
        | 'SourceRegistered'
        | 'OnDemandFeatureRegistered'
        | 'FeatureServiceRegistered';
      readonly data: {
        readonly version: number;
        readonly definition: Definition;
        readonly forced?: readonly string[];
      };
    }
  /**
   * planHash: plans with equal hashes compute equal values; forced: sentences that say what a
   * forced revision broke
   */
  | {
      readonly type: 'FeatureViewRegistered';
      readonly data: {
        readonly version: number;
        readonly definition: Definition;
        readonly planHash: string;
        readonly forced?: readonly string[];
      };
    }
  | {
      readonly type: 'DefinitionDeprecated' | 'DefinitionRestored' | 'DefinitionRetired';
      readonly data: { readonly kind: Kind; readonly name: string };
    }
  /** events of before this log were imported into the source; in its stream for the audit */
  | {
      readonly type: 'HistoryImported';
      readonly data: {
        readonly source: string;
        readonly events: number;
        /** the earliest and the latest known time, epoch ms */
        readonly knownFrom: number;
        readonly knownTo: number;
        readonly producer: { readonly id: string; readonly sequence: number } | null;
      };
    }
  | {
      readonly type: 'GenerationStarted';
      readonly data: {
        readonly generation: number;
        readonly version: number;
        /** null: started by the platform, because no generation is live */
        readonly replay: ReplayInfo | null;
        readonly at: number;
      };
    }
  /** only metadata changed: the generation continues under the new version */
  | {
      readonly type: 'GenerationAdopted';
      readonly data: { readonly generation: number; readonly version: number };
    }
  | {
      readonly type: 'GenerationFilled';
      readonly data: { readonly generation: number; readonly at: number };
    }
  | {
      readonly type: 'GenerationFailed';
      readonly data: { readonly generation: number; readonly error: string; readonly at: number };
    }
  | {
      readonly type: 'GenerationPromoted';
      readonly data: {
        readonly generation: number;
        readonly previous: number | null;
        readonly at: number;
      };
    }
  | {
      readonly type: 'GenerationRolledBack';
      readonly data: { readonly generation: number; readonly to: number; readonly at: number };
    }
  | {
      readonly type: 'GenerationAbandoned' | 'GenerationRetired';
      readonly data: { readonly generation: number; readonly at: number };
    };

export const streamOf = (kind: Kind, name: string): string => `${kind}/${name}`;

export const KINDS: readonly Kind[] = [
  'entity',
  'source',
  'feature-view',
  'on-demand-feature',
  'feature-service',
];

export const REGISTERED: Readonly<Record<Kind, RegistryEvent['type']>> = {
  entity: 'EntityRegistered',
  source: 'SourceRegistered',
  'feature-view': 'FeatureViewRegistered',
  'on-demand-feature': 'OnDemandFeatureRegistered',
  'feature-service': 'FeatureServiceRegistered',
};
