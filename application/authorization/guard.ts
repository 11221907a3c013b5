/**
 * The platform behind who may do what. Every method of `Platform` is here by name, so that a new
 * one without a rule does not compile; and each asks what its caller may do of the things that it
 * touches, so that no gateway has rules of its own. A caller without a principal is refused.
 *
 * Lists are cut to what the caller may see; a single thing that he may not is MR_FORBIDDEN.
 */
import { EVERYWHERE, may } from '#domain/authorization/grants.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { fail, type MillraceError } from '#domain/errors.ts';
import type { Caller, CatalogEntry, Platform } from '#domain/ports/platform.ts';
import type { Row } from '#domain/values/value.ts';
import { createAuthorizer, NOBODY, PLATFORM } from './authorizer.ts';
import { commandNeeds } from './command-needs.ts';
import type { Rates } from './rates.ts';
import type { Refusals } from './refusals.ts';
import type { Resource, Resources } from './resources.ts';

export interface GuardDependencies {
  readonly platform: Platform;
  readonly resources: Resources;
  readonly rates: Pick<Rates, 'events' | 'rows' | 'rowsGiven'>;
  readonly refusals: Pick<Refusals, 'record' | 'written'>;
  readonly holds: (principal: Principal) => boolean;
  readonly openMetrics: boolean;
}

export const guardPlatform = (dependencies: GuardDependencies): Platform => {
  const { platform, resources, rates, refusals, holds, openMetrics } = dependencies;
  const { authorize, visibleNamespaces } = createAuthorizer(refusals);
  const view = (name: string): readonly Resource[] => resources.one('feature-view', name);
  const source = (name: string): readonly Resource[] => resources.one('source', name);
  /** who started which data set of this process */
  const makers = new Map<string, string>();

  const charged = (principal: Principal, charge: () => void): void => {
    try {
      charge();
    } catch (error) {
      const { code, message } = error as MillraceError;
      refusals.record({
        actor: principal.actor ?? '',
        command: 'Use',
        subject: principal.id,
        code,
        message,
      });
      throw error;
    }
  };
  const reading = (
    caller: Caller | undefined,
    target: Parameters<Resources['ofRead']>[0],
  ): Principal => {
    const principal = caller?.principal ?? NOBODY;
    return may(principal.grants, 'read', EVERYWHERE)
      ? principal
      : authorize(caller, 'read', resources.ofRead(target));
  };
  const targetOf = (
    target: { readonly service: string } | { readonly view: string },
  ): Parameters<Resources['ofRead']>[0] =>
    'service' in target ? target : { features: [`${target.view}:`] };
  const seen =
    (visible: (namespace: string | null) => boolean) =>
    (entry: CatalogEntry): CatalogEntry => ({
      ...entry,
      downstream: entry.downstream.filter((id) => visible(resources.namespaceOf(id))),
    });
  const defining = (caller: Caller | undefined, definitions: readonly Definition[]): void => {
    for (const definition of definitions) {
      authorize(caller, 'define', resources.defining(definition));
      authorize(caller, 'use', resources.usedBy(definition, definitions));
    }
    if (definitions.length === 0) authorize(caller, 'define', []);
  };
  const replayOf = async (caller: Caller | undefined, id: string) => {
    authorize(caller, 'operate', []);
    const replay = await platform.replay(id);
    authorize(caller, 'operate', view(replay.view));
    return replay;
  };
  /** A data set is its maker's, and the admins' of the views that it shows. */
  const datasetOf = async (caller: Caller | undefined, id: string) => {
    authorize(caller, 'read', []);
    const status = await platform.dataset(id);
    if (makers.get(id) !== caller?.principal?.id)
      authorize(
        caller,
        'keys',
        status.views.flatMap((one) => view(one.view)),
      );
    return status;
  };
  async function* whileHeld(
    principal: Principal,
    batches: AsyncIterable<readonly Row[]>,
  ): AsyncGenerator<readonly Row[]> {
    for await (const batch of batches) {
      if (!holds(principal))
        fail(
          'MR_UNAUTHENTICATED',
          `"${principal.actor}" is let in no more: its key was revoked, or its time is over`,
        );
      yield batch;
    }
  }

  return {
    async publish(request, caller) {
      const principal = authorize(caller, 'publish', source(request.source));
      charged(principal, () => rates.events(principal, request.events.length));
      return platform.publish(request, caller);
    },
    async producerSequence(name, producer, caller) {
      authorize(caller, 'publish', source(name));
      return platform.producerSequence(name, producer, caller);
    },
    async read(request, caller) {
      const principal = reading(caller, request);
      if (principal.limits.rowsPerDay !== undefined)
        charged(principal, () => rates.rows(principal, request.entities.length));
      return platform.read(request, caller);
    },

    async command(request, caller) {
      for (const { action, resources: touched } of commandNeeds(resources, request))
        authorize(caller, action, touched);
      return platform.command(request, caller);
    },
    async plan(definitions, caller) {
      defining(caller, definitions);
      return platform.plan(definitions, caller);
    },
    async apply(definitions, options, caller) {
      defining(caller, definitions);
      return platform.apply(definitions, options, caller);
    },
    async list(kind, caller) {
      const visible = visibleNamespaces(caller, 'catalog');
      return (await platform.list(kind, caller))
        .filter(({ namespace }) => visible(namespace))
        .map(seen(visible));
    },
    async show(kind, name, version, caller) {
      authorize(caller, 'catalog', resources.one(kind, name));
      return seen(visibleNamespaces(caller, 'catalog'))(
        await platform.show(kind, name, version, caller),
      );
    },
    async search(text, caller) {
      const visible = visibleNamespaces(caller, 'catalog');
      return (await platform.search(text, caller))
        .filter(({ namespace }) => visible(namespace))
        .map(seen(visible));
    },
    async lineage(name, caller) {
      const visible = visibleNamespaces(caller, 'catalog');
      const named = name === undefined ? [] : resources.named(name);
      if (!named.some(({ namespace }) => visible(namespace))) authorize(caller, 'catalog', named);
      const { nodes, edges } = await platform.lineage(name, caller);
      const shown = nodes.filter(({ id }) => visible(resources.namespaceOf(id)));
      const ids = new Set(shown.map(({ id }) => id));
      return { nodes: shown, edges: edges.filter(({ from, to }) => ids.has(from) && ids.has(to)) };
    },

    /** One sequence of all namespaces. */
    async lineageEvents(query, caller) {
      authorize(caller, 'catalog', PLATFORM);
      return platform.lineageEvents(query, caller);
    },

    async startDataset(request, caller) {
      const principal = reading(caller, targetOf(request.target));
      // Paths are the server's: who names one reads and writes its files.
      if ('file' in request.spine || request.out !== undefined)
        authorize(caller, 'files', PLATFORM);
      const { spine } = request;
      if ('rows' in spine) charged(principal, () => rates.rows(principal, spine.rows.length));
      const status = await platform.startDataset(request, caller);
      makers.set(status.id, principal.id);
      return status;
    },
    async dataset(id, caller) {
      return datasetOf(caller, id);
    },
    async cancelDataset(id, caller) {
      await datasetOf(caller, id);
      return platform.cancelDataset(id, caller);
    },
    async batch(request, caller) {
      const principal = reading(caller, targetOf(request.target));
      authorize(caller, 'files', PLATFORM);
      // How many there will be nobody knows: who has one row left gets them all, and no more that
      // day.
      charged(principal, () => rates.rows(principal, 1));
      const result = await platform.batch(request, caller);
      rates.rowsGiven(principal, result.rows - 1);
      return result;
    },
    async rollup(request, caller) {
      authorize(caller, 'operate', view(request.view));
      return platform.rollup(request, caller);
    },

    async startReplay(request, caller) {
      authorize(caller, 'operate', view(request.view));
      return platform.startReplay(request, caller);
    },
    async replays(caller) {
      const visible = visibleNamespaces(caller, 'operate');
      return (await platform.replays(caller)).filter((replay) =>
        visible(resources.namespaceOf(`feature-view/${replay.view}`)),
      );
    },
    async replay(id, caller) {
      return replayOf(caller, id);
    },
    async compareReplay(id, caller) {
      await replayOf(caller, id);
      return platform.compareReplay(id, caller);
    },
    async changeReplay(id, action, options, caller) {
      await replayOf(caller, id);
      return platform.changeReplay(id, action, options, caller);
    },

    async explain(request, caller) {
      authorize(caller, 'explain', resources.withSource(request.view));
      return platform.explain(request, caller);
    },
    async featureLog(service, query, caller) {
      authorize(caller, 'explain', resources.ofRead({ service }));
      return platform.featureLog(service, query, caller);
    },
    async skew(request, caller) {
      reading(caller, { service: request.service });
      return platform.skew(request, caller);
    },
    async auditLog(query, caller) {
      const visible = visibleNamespaces(caller, 'audit');
      await refusals.written();
      const page = await platform.auditLog(query, caller);
      return {
        ...page,
        records: page.records.filter(({ subject }) => visible(resources.namespaceOf(subject))),
      };
    },
    async verifyAudit(caller) {
      authorize(caller, 'audit', []);
      return platform.verifyAudit(caller);
    },
    async exportEvents(name, caller) {
      const principal = authorize(caller, 'operate', source(name));
      return whileHeld(principal, await platform.exportEvents(name, caller));
    },
    async rejected(name, query, caller) {
      authorize(caller, 'operate', source(name));
      return platform.rejected(name, query, caller);
    },
    async resendRejected(name, request, caller) {
      const principal = authorize(caller, 'operate', source(name));
      charged(principal, () => rates.events(principal, request.positions.length));
      return platform.resendRejected(name, request, caller);
    },
    async late(name, query, caller) {
      authorize(caller, 'operate', view(name));
      return platform.late(name, query, caller);
    },
    async status(caller) {
      const visible = visibleNamespaces(caller, 'operate');
      const { jobs, ...status } = await platform.status(caller);
      const ofView = (one: { readonly view: string }): boolean =>
        visible(resources.namespaceOf(`feature-view/${one.view}`));
      return {
        ...status,
        sources: status.sources.filter((one) =>
          visible(resources.namespaceOf(`source/${one.source}`)),
        ),
        views: status.views.filter(ofView),
        replays: status.replays.filter(ofView),
        // Jobs and their failures name things of all namespaces.
        ...(jobs === undefined || !visible(null) ? {} : { jobs }),
      };
    },
    async freshness(caller) {
      const visible = visibleNamespaces(caller, 'catalog');
      return (await platform.freshness(caller)).filter((one) =>
        visible(resources.namespaceOf(`feature-view/${one.view}`)),
      );
    },

    async createKey(request, caller) {
      authorize(caller, 'keys', keyResources(request.grants, request.name));
      return platform.createKey(request, caller);
    },
    async keys(caller) {
      const { grants } = authorize(caller, 'keys', []);
      return (await platform.keys(caller)).filter((key) =>
        keyResources(key.grants, key.id).every((t) => may(grants, 'keys', t.namespace)),
      );
    },
    async revokeKey(id, options, caller) {
      authorize(caller, 'keys', []);
      const key = (await platform.keys(caller)).find((one) => one.id === id);
      authorize(caller, 'keys', keyResources(key?.grants ?? [], id));
      return platform.revokeKey(id, options, caller);
    },
    access: () => fail('MR_INTERNAL', 'the guarded platform has no other guard'),

    async metrics(caller) {
      if (!openMetrics) authorize(caller, 'operate', PLATFORM);
      return platform.metrics(caller);
    },
    ...(platform.requests === undefined ? {} : { requests: platform.requests }),
    ...(platform.tracing === undefined ? {} : { tracing: platform.tracing }),
    ready: () => platform.ready(),
    degraded: () => platform.degraded(),
    close: () => platform.close(),
  };
};

/** A key is of the namespaces of its grants. */
const keyResources = (grants: readonly string[], key: string): readonly Resource[] =>
  grants.map((grant) => ({
    id: `access-key/${key}`,
    namespace: grant.slice(grant.indexOf('@') + 1),
  }));
