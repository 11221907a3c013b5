/**
 * The catalog: all registered definitions, in all versions. A read model of the registry's commits
 * in memory, built from position 0 at every start. `position` is the last commit that it has read.
 */
import type { FeatureViewDefinition, Kind } from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import { KINDS, type RegistryEvent, streamOf } from '#domain/registry/events.ts';
import type { ByKind, Registered, RegistryStream } from '#domain/registry/registered.ts';
import { evolve, initialState, newestVersion } from '#domain/registry/state.ts';

interface Registration {
  readonly version: number;
  readonly at: number;
  readonly actor: string;
  readonly reason: string | null;
}

export interface CatalogStream extends RegistryStream {
  readonly registrations: readonly Registration[];
  /** epoch ms; null: it is not retired */
  readonly retiredAt: number | null;
}

export interface Catalog extends Registered {
  /** the last commit that was read */
  readonly position: () => number;
  readonly streams: (kind?: Kind) => readonly CatalogStream[];
  readonly stream: (kind: Kind, name: string) => CatalogStream | null;
  /** The plan of a view's version, over the newest versions of its source and entity. */
  readonly plan: (view: string, version: number) => ViewPlan;
  readonly waitFor: (position: number) => Promise<void>;
  /**
   * Resolves when every commit that was visible at the call is read, those of other processes
   * included; rejects where they cannot be read.
   */
  readonly catchUp: () => Promise<void>;
  /** Calls back after commits were read. Returns the function that ends the subscription. */
  readonly onChange: (listener: (commits: readonly Commit[]) => void) => () => void;
  readonly close: () => void;
}

const PAGE = 500;
const RETRY_MS = 200;

/** @param also other read models of the same commits; each is called with every commit, in order */
export const openCatalog = async (
  eventStore: EventStore,
  also: readonly ((commit: Commit) => void)[] = [],
): Promise<Catalog> => {
  const streams = new Map<string, CatalogStream>();
  const plans = new Map<string, ViewPlan>();
  const listeners = new Set<(commits: readonly Commit[]) => void>();
  let position = 0;
  let reading: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  let closed = false;
  let waiting: { readonly position: number; readonly resolve: () => void }[] = [];

  const take = (commit: Commit): void => {
    if (commit.events.length > 0) takeEvents(commit);
    for (const other of also) other(commit);
    position = commit.position;
  };
  const takeEvents = (commit: Commit): void => {
    const [kind, name] = [
      commit.stream.slice(0, commit.stream.indexOf('/')) as Kind,
      commit.stream.slice(commit.stream.indexOf('/') + 1),
    ];
    if (!KINDS.includes(kind)) return;
    const before = streams.get(commit.stream) ?? {
      kind,
      name,
      state: initialState,
      registrations: [],
      retiredAt: null,
    };
    const { time: at, actor, reason } = commit.command;
    let { state, registrations, retiredAt } = before;
    for (const event of commit.events as readonly RegistryEvent[]) {
      state = evolve(state, event);
      if (state.status !== 'retired') retiredAt = null;
      else if (event.type === 'DefinitionRetired') retiredAt = at;
      if (event.type.endsWith('Registered'))
        registrations = [
          ...registrations,
          { version: newestVersion(state)?.version ?? 0, at, actor, reason },
        ];
    }
    streams.set(commit.stream, { kind, name, state, registrations, retiredAt });
    if (kind === 'source' || kind === 'entity') plans.clear();
  };

  const readOn = async (): Promise<void> => {
    while (!closed) {
      const commits = await eventStore.readAll(position, PAGE);
      if (commits.length === 0) break;
      commits.forEach(take);
      for (const listener of listeners) listener(commits);
      for (const { resolve } of waiting.filter((w) => w.position <= position)) resolve();
      waiting = waiting.filter((w) => w.position > position);
    }
  };
  /** One reading at a time. Calls before the next one begins share it; a failed one is not kept. */
  const catchUp = (): Promise<void> => {
    if (next === null) {
      next = reading
        .catch(() => {})
        .then(() => {
          next = null;
          return readOn();
        });
      reading = next;
    }
    return next;
  };
  /** A commit that could not be read is read later: it may not be announced a second time. */
  let willRetry = false;
  const wake = (): void => {
    catchUp().catch(() => {
      if (willRetry) return;
      willRetry = true;
      setTimeout(() => {
        willRetry = false;
        if (!closed) wake();
      }, RETRY_MS).unref();
    });
  };

  const definition: Catalog['definition'] = (kind, name, version) => {
    const state = streams.get(streamOf(kind, name))?.state;
    if (state === undefined || state.status === 'retired') return null;
    const found =
      version === undefined
        ? newestVersion(state)
        : state.versions.find((v) => v.version === version);
    return (found?.definition ?? null) as never;
  };

  const unsubscribe = eventStore.onCommit(wake);
  await catchUp();

  return {
    position: () => position,
    streams: (kind) =>
      [...streams.values()]
        .filter((s) => kind === undefined || s.kind === kind)
        .sort(
          (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || (a.name < b.name ? -1 : 1),
        ),
    stream: (kind, name) => streams.get(streamOf(kind, name)) ?? null,
    definition,
    plan(view, version) {
      const id = `${view}@${version}`;
      let plan = plans.get(id);
      if (plan === undefined) {
        const of = streams
          .get(streamOf('feature-view', view))
          ?.state.versions.find((v) => v.version === version)?.definition as FeatureViewDefinition;
        const newest = <K extends Kind>(kind: K, name: string): ByKind[K] =>
          newestVersion(streams.get(streamOf(kind, name))?.state ?? initialState)
            ?.definition as ByKind[K];
        plan = planView(of, newest('source', of.source), newest('entity', of.entity));
        plans.set(id, plan);
      }
      return plan;
    },
    waitFor: (wanted) =>
      wanted <= position
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ position: wanted, resolve })),
    catchUp,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closed = true;
      unsubscribe();
    },
  };
};
