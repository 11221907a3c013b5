/**
 * The commands of the registry, in the imperative. Only the platform sends `System…` commands.
 */
import type { Definition, Kind } from '#domain/definitions/model.ts';
import type { ReplayRange } from './events.ts';

export type RegistryCommand =
  | {
      readonly type: 'Register';
      readonly definition: Definition;
      readonly force: boolean;
      readonly reason: string | null;
      /** also where the definition is retired; absent: that is refused */
      readonly restore?: boolean;
      /** the new version's number, if it is higher than the next; absent: the next */
      readonly version?: number;
    }
  | {
      readonly type: 'Deprecate' | 'Restore' | 'Retire';
      readonly kind: Kind;
      readonly name: string;
    }
  | {
      readonly type: 'StartReplay';
      readonly view: string;
      readonly range: ReplayRange;
      readonly reason: string | null;
      readonly actor: string;
    }
  | {
      readonly type: 'PromoteReplay' | 'RollbackReplay' | 'AbandonReplay' | 'RetireReplay';
      readonly view: string;
      readonly generation: number;
    }
  | { readonly type: 'SystemGenerationFilled'; readonly view: string; readonly generation: number }
  | {
      readonly type: 'SystemGenerationFailed';
      readonly view: string;
      readonly generation: number;
      readonly error: string;
    };

/** Wire names of the registering commands, one for each kind. */
export const REGISTER: Readonly<Record<Kind, string>> = {
  entity: 'RegisterEntity',
  source: 'RegisterSource',
  'feature-view': 'RegisterFeatureView',
  'on-demand-feature': 'RegisterOnDemandFeature',
  'feature-service': 'RegisterFeatureService',
};
