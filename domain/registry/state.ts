/** The state of one registry stream, rebuilt from its events. */
import type { Definition } from '#domain/definitions/model.ts';
import type { RegistryEvent, ReplayInfo } from './events.ts';

type GenerationState =
  | 'filling'
  | 'ready'
  | 'live'
  | 'standby'
  | 'abandoned'
  | 'retired'
  | 'failed';

export interface GenerationRecord {
  readonly generation: number;
  readonly version: number;
  readonly state: GenerationState;
  /** null: started by the platform, because no generation was live */
  readonly replay: ReplayInfo | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly rolledBack: boolean;
  readonly error: string | null;
}

interface VersionRecord {
  readonly version: number;
  readonly definition: Definition;
  /** feature views only */
  readonly planHash: string | null;
}

export interface RegistryState {
  readonly status: 'absent' | 'active' | 'deprecated' | 'retired';
  readonly versions: readonly VersionRecord[];
  readonly generations: readonly GenerationRecord[];
  /** the live generations and the time from which each was live (epoch ms), oldest first */
  readonly timeline: readonly { readonly generation: number; readonly from: number }[];
}

export const initialState: RegistryState = {
  status: 'absent',
  versions: [],
  generations: [],
  timeline: [],
};

const change = (
  state: RegistryState,
  generation: number,
  patch: Partial<GenerationRecord>,
): RegistryState => ({
  ...state,
  generations: state.generations.map((g) => (g.generation === generation ? { ...g, ...patch } : g)),
});

const makeLive = (state: RegistryState, generation: number, at: number): RegistryState => ({
  ...state,
  generations: state.generations.map((g) =>
    g.generation === generation
      ? { ...g, state: 'live', finishedAt: g.finishedAt ?? at, rolledBack: false }
      : g.state === 'live'
        ? { ...g, state: 'standby' }
        : g,
  ),
  timeline: [...state.timeline, { generation, from: at }],
});

export const evolve = (state: RegistryState, event: RegistryEvent): RegistryState => {
  switch (event.type) {
    case 'EntityRegistered':
    case 'SourceRegistered':
    case 'OnDemandFeatureRegistered':
    case 'FeatureServiceRegistered':
    case 'FeatureViewRegistered': {
      const planHash = event.type === 'FeatureViewRegistered' ? event.data.planHash : null;
      const { version, definition } = event.data;
      return {
        ...state,
        status: 'active',
        versions: [...state.versions, { version, definition, planHash }],
      };
    }
    case 'DefinitionDeprecated':
      return { ...state, status: 'deprecated' };
    case 'DefinitionRestored':
      return { ...state, status: 'active' };
    case 'DefinitionRetired':
      return { ...state, status: 'retired' };
    case 'HistoryImported':
      return state;
    case 'GenerationStarted': {
      const { generation, version, replay, at } = event.data;
      const record: GenerationRecord = {
        generation,
        version,
        state: 'filling',
        replay,
        startedAt: at,
        finishedAt: null,
        rolledBack: false,
        error: null,
      };
      return { ...state, generations: [...state.generations, record] };
    }
    case 'GenerationAdopted':
      return change(state, event.data.generation, { version: event.data.version });
    case 'GenerationFilled':
      return change(state, event.data.generation, { state: 'ready', finishedAt: event.data.at });
    case 'GenerationFailed':
      return change(state, event.data.generation, {
        state: 'failed',
        finishedAt: event.data.at,
        error: event.data.error,
      });
    case 'GenerationPromoted':
      return makeLive(state, event.data.generation, event.data.at);
    case 'GenerationRolledBack':
      return change(makeLive(state, event.data.to, event.data.at), event.data.generation, {
        rolledBack: true,
      });
    case 'GenerationAbandoned':
      return change(state, event.data.generation, {
        state: 'abandoned',
        finishedAt: event.data.at,
      });
    case 'GenerationRetired':
      return change(state, event.data.generation, { state: 'retired' });
  }
};

export const newestVersion = (state: RegistryState): VersionRecord | null =>
  state.versions.at(-1) ?? null;
export const liveGeneration = (state: RegistryState): GenerationRecord | null =>
  state.generations.find((g) => g.state === 'live') ?? null;
