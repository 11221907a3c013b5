/**
 * From the registry's commits to OpenLineage events: a fold. The events of a commit follow from the
 * commits up to it and nothing else (their times and run ids are the commits' own), so that telling
 * of a commit again, after a crash or in another process, tells the same.
 */
import { isKeyStream } from '#domain/authorization/keys.ts';
import type { Definition, FeatureViewDefinition } from '#domain/definitions/model.ts';
import type { Commit } from '#domain/ports/event-store.ts';
import { type RegistryEvent, streamOf } from '#domain/registry/events.ts';
import {
  evolve,
  type GenerationRecord,
  initialState,
  newestVersion,
  type RegistryState,
} from '#domain/registry/state.ts';
import { definitionEvents, type RegistryThen } from './definitions.ts';
import { ENDS, type LineageEvent } from './event.ts';
import {
  changed,
  ended,
  failed,
  filled,
  type GenerationRuns,
  type GenerationTold,
  started,
} from './generations.ts';
import type { LineageEmitter } from './names.ts';
import { runIdOf } from './run-id.ts';

export interface RegistryLineage extends RegistryThen {
  /** the last commit taken in */
  readonly position: () => number;
  /** Takes in the next commit. @returns what it tells */
  readonly next: (commit: Commit) => readonly LineageEvent[];
  /** A generation that computes, as it would be told of now; null where there is no such. */
  readonly told: (
    view: string,
    generation: number,
    time: number,
    change: string,
  ) => GenerationTold | null;
}

export const COMPUTING: ReadonlySet<string> = new Set(['filling', 'ready', 'live', 'standby']);
const generationOf = (state: RegistryState, generation: number): GenerationRecord | undefined =>
  state.generations.find((g) => g.generation === generation);

export const registryLineage = (emitter: LineageEmitter): RegistryLineage => {
  const states = new Map<string, RegistryState>();
  const runs = new Map<string, GenerationRuns>();
  const over = new Set<string>();
  let position = 0;
  const registry: RegistryThen = { state: (stream) => states.get(stream) ?? null };
  const runsKey = (view: string, generation: number): string => `${view}#${generation}`;

  /**
   * What happens to a generation after its run has ended (it failed, its view was retired) is a
   * remark on that run.
   */
  const inItsTime = (event: LineageEvent): LineageEvent => {
    if (!('run' in event)) return event;
    const { runId } = event.run;
    if (over.has(runId)) return { ...event, eventType: 'OTHER' };
    if (ENDS.has(event.eventType)) over.add(runId);
    return event;
  };

  /** New runs: their ids are the commit's that began them. */
  const begin = (
    view: string,
    { generation, replay }: GenerationRecord,
    { command }: Commit,
  ): void => {
    const seed = JSON.stringify([emitter.namespace, command.id, view, generation]);
    runs.set(runsKey(view, generation), {
      compute: runIdOf(command.time, seed),
      replay: replay === null ? null : runIdOf(command.time, `${seed}/replay`),
    });
  };

  const told = (
    view: string,
    generation: number,
    time: number,
    change: string,
  ): GenerationTold | null => {
    const state = states.get(streamOf('feature-view', view));
    const record = state === undefined ? undefined : generationOf(state, generation);
    const ids = runs.get(runsKey(view, generation));
    if (state === undefined || record === undefined || ids === undefined) return null;
    const definition = (
      state.versions.find((v) => v.version === record.version) ?? newestVersion(state)
    )?.definition;
    return { view: definition as FeatureViewDefinition, record, runs: ids, time, change };
  };

  /** The view's retirement ends what it computes; its restoration begins it again. */
  const onStatus = (
    event: RegistryEvent,
    state: RegistryState,
    name: string,
    commit: Commit,
  ): readonly LineageEvent[] =>
    state.generations
      .filter((record) => COMPUTING.has(record.state))
      .flatMap((record) => {
        if (event.type === 'DefinitionRestored') begin(name, record, commit);
        const what = told(name, record.generation, commit.command.time, event.type);
        if (what === null) return [];
        if (event.type === 'DefinitionRestored') return started(registry, emitter, what);
        const filling = record.state === 'filling';
        return ended(registry, emitter, what, filling ? 'ABORT' : 'COMPLETE', filling);
      });

  const onDefinition = (
    event: RegistryEvent,
    before: RegistryState,
    state: RegistryState,
    commit: Commit,
  ): readonly LineageEvent[] => {
    const newestOf = newestVersion(state);
    if (newestOf === null) return [];
    const { definition, version } = newestOf;
    const lifecycle =
      event.type === 'DefinitionRetired'
        ? 'DROP'
        : before.status === 'absent' || before.status === 'retired'
          ? 'CREATE'
          : 'ALTER';
    const events = definitionEvents(
      registry,
      emitter,
      definition as Definition,
      { commit, version, status: state.status },
      lifecycle,
    );
    // Whether it was retired before decides if there is anything to begin again.
    const moves =
      event.type === 'DefinitionRetired' ||
      (event.type === 'DefinitionRestored' && before.status === 'retired');
    return moves && definition.kind === 'feature-view'
      ? [...events, ...onStatus(event, state, definition.name, commit)]
      : events;
  };

  const onGeneration = (
    event: Extract<RegistryEvent, { data: { generation: number } }>,
    before: RegistryState,
    view: string,
    commit: Commit,
  ): readonly LineageEvent[] => {
    const { generation } = event.data;
    const was = generationOf(before, generation)?.state;
    const tell = (
      of: number,
      how: (what: GenerationTold) => readonly LineageEvent[],
    ): readonly LineageEvent[] => {
      const what = told(view, of, commit.command.time, event.type);
      return what === null ? [] : how(what);
    };
    const asIs = (by: typeof started) => (what: GenerationTold) => by(registry, emitter, what);
    switch (event.type) {
      case 'GenerationStarted':
        // Of a retired view: it begins when the view is restored.
        if (before.status === 'retired') return [];
        begin(
          view,
          generationOf(states.get(commit.stream) ?? initialState, generation) as GenerationRecord,
          commit,
        );
        return tell(generation, asIs(started));
      case 'GenerationFilled':
        return tell(generation, asIs(filled));
      case 'GenerationFailed':
        return tell(generation, asIs(failed));
      case 'GenerationAdopted':
        return tell(generation, asIs(changed));
      case 'GenerationPromoted': {
        const { previous } = event.data;
        return [
          ...(previous === null ? [] : tell(previous, asIs(changed))),
          ...tell(generation, asIs(changed)),
        ];
      }
      case 'GenerationRolledBack':
        return [...tell(generation, asIs(changed)), ...tell(event.data.to, asIs(changed))];
      case 'GenerationAbandoned':
        return tell(generation, (what) =>
          ended(registry, emitter, what, 'ABORT', was === 'filling'),
        );
      case 'GenerationRetired':
        return tell(generation, (what) => ended(registry, emitter, what, 'COMPLETE', false));
    }
  };

  return {
    state: registry.state,
    position: () => position,
    told,
    next(commit) {
      position = commit.position;
      if (isKeyStream(commit.stream)) return [];
      const view = commit.stream.slice(commit.stream.indexOf('/') + 1);
      const events = (commit.events as readonly RegistryEvent[]).flatMap((event) => {
        const before = states.get(commit.stream) ?? initialState;
        const state = evolve(before, event);
        states.set(commit.stream, state);
        return 'generation' in event.data
          ? onGeneration(
              event as Extract<RegistryEvent, { data: { generation: number } }>,
              before,
              view,
              commit,
            )
          : onDefinition(event, before, state, commit);
      });
      return events.map(inItsTime);
    },
  };
};
