/**
 * Erasures of a running platform. What is stored in the event store names the entity by a digest;
 * the runner keeps the entity itself, until the erasure has ended or was refused.
 */
import { registeredIn } from '#commands/approval-needs.ts';
import type { CommandBus } from '#commands/command-bus.ts';
import type { Caller } from '#domain/api/caller.ts';
import type { ErasureStatus, Erasures } from '#domain/api/erasures.ts';
import { statusAt } from '#domain/approval/proposal.ts';
import type { ProposalPlan } from '#domain/approval/request.ts';
import { neededApproval } from '#domain/approval/requirements.ts';
import {
  decideErasure,
  type ErasureCommand,
  type ErasureEvent,
  type ErasurePlan,
  type ErasureRecord,
  erasureStream,
  evolveErasure,
} from '#domain/erasure/erasure.ts';
import { fail } from '#domain/errors.ts';
import type { ErasureRunner, WantedErasure } from '#domain/ports/erasure-runner.ts';
import type { ApprovalIndex } from '#projections/approvals/approval-index.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { ErasureIndex } from '#projections/erasures/erasure-index.ts';
import type { Proposals } from '../approvals/proposals.ts';

export interface ErasuresDependencies {
  readonly bus: Pick<CommandBus, 'decideOn' | 'requirements'>;
  readonly catalog: Catalog;
  readonly index: ErasureIndex;
  readonly approvals: Pick<ApprovalIndex, 'proposals'>;
  readonly proposals: Proposals;
  /** absent: this profile cannot erase */
  readonly runner: ErasureRunner | undefined;
  readonly now: () => number;
}

/** What approvals need of erasures. */
export interface ProposedErasures {
  /** of what is kept; null: nothing is */
  readonly plan: (id: string) => ErasurePlan | null;
  readonly begin: (id: string, caller: Caller) => Promise<void>;
  /** Forgets the entities of proposals that cannot be approved any more. */
  readonly forgetRefused: () => void;
}

const PLATFORM: Caller = { actor: 'millrace' };
const DIGEST_IN_ID = 16;

const isPending = ({ state }: ErasureRecord): boolean => state === 'running';

export const createErasures = async ({
  bus,
  catalog,
  index,
  approvals,
  proposals,
  runner: given,
  now,
}: ErasuresDependencies): Promise<{
  readonly erasures: Erasures;
  readonly proposed: ProposedErasures;
}> => {
  const runner = (): ErasureRunner =>
    given ??
    fail(
      'MR_REFUSED',
      'a running platform can erase in the embedded profile only: see the guide on recovery for the stack',
    );

  const decide = <C extends ErasureCommand>(
    id: string,
    type: C['type'],
    { reason, caller }: { readonly reason?: string; readonly caller: Caller },
    commandOf: () => C,
  ): Promise<void> =>
    bus.decideOn<ErasureEvent>(
      {
        stream: erasureStream(id),
        command: { type, data: { id } },
        reason,
        decide: (events, time) =>
          decideErasure(
            events.reduce(evolveErasure, null as ErasureRecord | null),
            commandOf(),
            time,
          ),
      },
      caller,
    );

  const start = async (id: string, wanted: WantedErasure, caller: Caller): Promise<void> => {
    const { entity, reason } = wanted;
    // On the definitions and requirements that the decision is made on.
    await decide(id, 'EraseEntity', { reason, caller }, () => {
      const plan = runner().plan(entity);
      const namespaces = plan.touches.flatMap((one) => registeredIn(catalog, one));
      const need =
        caller.approval === undefined
          ? neededApproval(bus.requirements(), 'erasures', namespaces)
          : null;
      return { type: 'EraseEntity', id, plan, reason, need };
    });
    if (index.erasure(id)?.state === 'running') runner().begin(id, wanted);
  };

  /** Proposals of erasures that can still be approved, or are being carried out. */
  const live = () =>
    approvals
      .proposals()
      .filter((one) => ['open', 'approved'].includes(statusAt(one, now())))
      .flatMap((one) => (one.request.type === 'erasure' ? [{ one, request: one.request }] : []));

  const forgetRefused = (): void => {
    if (given === undefined) return;
    const ids = new Set(live().map(({ request }) => request.erasure));
    for (const id of given.kept())
      if (!ids.has(id) && index.erasure(id)?.state !== 'running') given.forget(id);
  };

  const wantedOf = (id: string): WantedErasure | null => given?.wanted(id) ?? null;

  const ofRecord = ({ id, digest, keyNames, ...record }: ErasureRecord): ErasureStatus => {
    const { state, reason, at, endedAt, error } = record;
    const entity = state === 'running' ? (wantedOf(id)?.entity ?? null) : null;
    return { id, state, digest, keyNames, entity, reason, at, endedAt, error };
  };

  const all = (): readonly ErasureStatus[] => {
    forgetRefused();
    const requested = index.erasures().map(ofRecord);
    const waiting = live()
      .filter(({ request }) => index.erasure(request.erasure) === null)
      .map(({ one, request }): ErasureStatus => {
        const { erasure: id, digest, keyNames } = request;
        const entity = wantedOf(id)?.entity ?? null;
        const { reason, at } = one;
        const rest = { reason, at, endedAt: null, error: null };
        return { id, state: 'waiting', digest, keyNames, entity, ...rest };
      });
    const byId = new Map([...waiting, ...requested].map((one) => [one.id, one]));
    return [...byId.values()].sort((a, b) => b.at - a.at);
  };

  const known = (id: string): ErasureStatus =>
    all().find((one) => one.id === id) ??
    fail('MR_NOT_FOUND', `there is no erasure "${id}": \`GET /v1/erasures\` lists them`, { id });

  /** The end of those that ran while the platform was closed is stored; the others go on. */
  const reconcile = async (): Promise<void> => {
    if (given === undefined) return;
    for (const { id } of index.erasures().filter(isPending)) {
      const outcome = given.outcome(id);
      const wanted = given.wanted(id);
      if (outcome === null && wanted !== null) {
        given.begin(id, wanted);
        continue;
      }
      const lost = {
        code: 'MR_REFUSED',
        message: 'it is not known any more who was to be erased: request it again',
      };
      const ended =
        outcome === null
          ? lost
          : 'error' in outcome
            ? outcome.error
            : {
                records: outcome.certificate.removed.records,
                recomputed: outcome.certificate.recomputed,
              };
      await decide(id, 'EndErasure', { caller: PLATFORM }, () => ({
        type: 'EndErasure',
        id,
        outcome: ended,
      }));
    }
    forgetRefused();
  };
  await reconcile();

  return {
    proposed: {
      plan(id) {
        const wanted = wantedOf(id);
        return wanted === null ? null : runner().plan(wanted.entity);
      },
      async begin(id, caller) {
        const wanted = wantedOf(id);
        if (wanted !== null) return start(id, wanted, caller);
        // Approving again what was carried out already.
        if (index.erasure(id) === null)
          fail('MR_REFUSED', `it is not known any more who erasure ${id} was to erase`, { id });
      },
      forgetRefused,
    },
    erasures: {
      async request({ entity, reason }, caller) {
        if (reason.trim() === '')
          fail('MR_REASON_REQUIRED', 'an erasure needs a reason: give `reason`');
        const plan = runner().plan(entity);
        if (runner().names(entity, reason))
          fail(
            'MR_BODY_INVALID',
            'the reason names the entity, and the audit log keeps it for ever: name the request instead, such as "request 77"',
          );
        const mine = index.erasures().filter(({ digest }) => digest === plan.digest);
        const running = mine.find(isPending);
        if (running !== undefined) return ofRecord(running);
        const id = `${plan.digest.slice(0, DIGEST_IN_ID)}-${mine.length + 1}`;
        const wanted = { entity, reason };
        const found = await runner().count(entity);
        const proposal: ProposalPlan = { type: 'erasure', ...plan, found };
        try {
          await proposals.orPropose(
            () => start(id, wanted, caller),
            () => {
              if (wantedOf(id) === null) runner().keep(id, wanted);
              const { digest, keyNames } = plan;
              return { type: 'erasure', erasure: id, digest, keyNames };
            },
            { caller, reason, plan: proposal, details: { erasure: id } },
          );
        } finally {
          forgetRefused();
        }
        return known(id);
      },
      list: async () => all(),
      get: async (id) => known(id),
      async certificate(id) {
        const { state, error } = known(id);
        const outcome = given?.outcome(id) ?? null;
        return outcome !== null && 'certificate' in outcome
          ? outcome
          : fail(
              'MR_REFUSED',
              error === null
                ? `erasure ${id} is ${state}: it has a certificate when it is done`
                : `erasure ${id} failed: ${error.message}`,
              { id },
            );
      },
    },
  };
};
