/**
 * A fold of the registry's commits into OpenLineage events. The events of a commit depend only on
 * the commits up to it (their times and run ids come from the commits), so emitting them again,
 * after a crash or in another process, gives the same events.
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
import { definitionEvents } from './definitions.ts';
import { ENDS, type LineageEvent } from './event.ts';
import {
  changed,
  ended,
  failed,
  filled,
  type GenerationRuns,
  type ReportedGeneration,
  started,
} from './generations.ts';
import type { LineageEmitter } from './names.ts';
import type { RegistryThen } from './registry-then.ts';
import { runIdOf } from './run-id.ts';

export interface RegistryLineage extends RegistryThen {
  /** of the last commit folded in */
  readonly position: () => number;
  /** Folds in the next commit. @returns its events */
  readonly next: (commit: Commit) => readonly LineageEvent[];
  /** A generation as events describe it now; null where there is no such generation. */
  readonly reported: (
    view: string,
    generation: number,
    time: number,
    change: string,
  ) => ReportedGeneration | null;
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
   * An event of a run that has ended (its generation failed, its view was retired) becomes OTHER.
   */
  const afterTheEnd = (event: LineageEvent): LineageEvent => {
    if (!('run' in event)) return event;
    const { runId } = event.run;
    if (over.has(runId)) return { ...event, eventType: 'OTHER' };
    if (ENDS.has(event.eventType)) over.add(runId);
    return event;
  };

  /** Begins new runs; their ids follow from the commit. */
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

  const reported = (
    view: string,
    generation: number,
    time: number,
    change: string,
  ): ReportedGeneration | null => {
    const state = states.get(streamOf('feature-view', view));
    const record = state === undefined ? undefined : generationOf(state, generation);
    const ids = runs.get(runsKey(view, generation));
    if (state === undefined || record === undefined || ids === undefined) return null;
    const definition = (
      state.versions.find((v) => v.version === record.version) ?? newestVersion(state)
    )?.definition;
    return { view: definition as FeatureViewDefinition, record, runs: ids, time, change };
  };

  /** Retiring a view ends its runs; restoring it begins new ones. */
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
        const subject = reported(name, record.generation, commit.command.time, event.type);
        if (subject === null) return [];
        if (event.type === 'DefinitionRestored') return started(registry, emitter, subject);
        const filling = record.state === 'filling';
        return ended(registry, emitter, subject, filling ? 'ABORT' : 'COMPLETE', filling);
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
    // A restoration begins new runs only if the view was retired before.
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
    const emit = (
      of: number,
      how: (subject: ReportedGeneration) => readonly LineageEvent[],
    ): readonly LineageEvent[] => {
      const subject = reported(view, of, commit.command.time, event.type);
      return subject === null ? [] : how(subject);
    };
    const eventOf = (of: typeof started) => (subject: ReportedGeneration) =>
      of(registry, emitter, subject);
    switch (event.type) {
      case 'GenerationStarted':
        // The view is retired: the run begins when it is restored.
        if (before.status === 'retired') return [];
        begin(
          view,
          generationOf(states.get(commit.stream) ?? initialState, generation) as GenerationRecord,
          commit,
        );
        return emit(generation, eventOf(started));
      case 'GenerationFilled':
        return emit(generation, eventOf(filled));
      case 'GenerationFailed':
        return emit(generation, eventOf(failed));
      case 'GenerationAdopted':
        return emit(generation, eventOf(changed));
      case 'GenerationPromoted': {
        const { previous } = event.data;
        return [
          ...(previous === null ? [] : emit(previous, eventOf(changed))),
          ...emit(generation, eventOf(changed)),
        ];
      }
      case 'GenerationRolledBack':
        return [...emit(generation, eventOf(changed)), ...emit(event.data.to, eventOf(changed))];
      case 'GenerationAbandoned':
        return emit(generation, (subject) =>
          ended(registry, emitter, subject, 'ABORT', was === 'filling'),
        );
      case 'GenerationRetired':
        return emit(generation, (subject) => ended(registry, emitter, subject, 'COMPLETE', false));
    }
  };

  return {
    state: registry.state,
    position: () => position,
    reported,
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
      return events.map(afterTheEnd);
    },
  };
};
