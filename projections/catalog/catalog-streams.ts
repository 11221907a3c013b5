/** The registered definitions as the registry's commits give them, one stream each. */
import type { Kind } from '#domain/definitions/model.ts';
import type { Commit } from '#domain/ports/event-store.ts';
import { KINDS, type RegistryEvent, streamOf } from '#domain/registry/events.ts';
import type { Registered, RegistryStream } from '#domain/registry/registered.ts';
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

/** The definitions of one moment. */
export interface CatalogStreams extends Registered {
  readonly streams: (kind?: Kind) => readonly CatalogStream[];
  readonly stream: (kind: Kind, name: string) => CatalogStream | null;
}

/**
 * Changes the stream of a commit.
 * @returns its kind; null: the commit changes no definition
 */
export const takeCommit = (
  streams: Map<string, CatalogStream>,
  { stream, events, command }: Commit,
): Kind | null => {
  const slash = stream.indexOf('/');
  const [kind, name] = [stream.slice(0, slash) as Kind, stream.slice(slash + 1)];
  if (events.length === 0 || !KINDS.includes(kind)) return null;
  const before = streams.get(stream) ?? {
    kind,
    name,
    state: initialState,
    registrations: [],
    retiredAt: null,
  };
  const { time: at, actor, reason } = command;
  let { state, registrations, retiredAt } = before;
  for (const event of events as readonly RegistryEvent[]) {
    state = evolve(state, event);
    if (state.status !== 'retired') retiredAt = null;
    else if (event.type === 'DefinitionRetired') retiredAt = at;
    if (event.type.endsWith('Registered'))
      registrations = [
        ...registrations,
        { version: newestVersion(state)?.version ?? 0, at, actor, reason },
      ];
  }
  streams.set(stream, { kind, name, state, registrations, retiredAt });
  return kind;
};

/** @param streams read at each call */
export const catalogOf = (streams: ReadonlyMap<string, CatalogStream>): CatalogStreams => ({
  streams: (kind) =>
    [...streams.values()]
      .filter((s) => kind === undefined || s.kind === kind)
      .sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || (a.name < b.name ? -1 : 1)),
  stream: (kind, name) => streams.get(streamOf(kind, name)) ?? null,
  definition(kind, name, version) {
    const state = streams.get(streamOf(kind, name))?.state;
    if (state === undefined || state.status === 'retired') return null;
    const found =
      version === undefined
        ? newestVersion(state)
        : state.versions.find((v) => v.version === version);
    return (found?.definition ?? null) as never;
  },
});
