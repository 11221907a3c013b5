/** What a proposed request would do, on the registry as it is now. */
import { refuseFinal } from '#commands/apply.ts';
import type { CommandRequest, MayBreak } from '#domain/api/registry.ts';
import type { ProposalPlan, ProposedRequest } from '#domain/approval/request.ts';
import { NO_SETTING, type Requirements } from '#domain/approval/requirements.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { readDefinition } from '#domain/definitions/parse.ts';
import type { ErasurePlan } from '#domain/erasure/erasure.ts';
import { fail } from '#domain/errors.ts';
import { REGISTER } from '#domain/registry/commands.ts';
import { KINDS, streamOf } from '#domain/registry/events.ts';
import { planDefinitions } from '#domain/registry/plan.ts';
import { downstreamOf } from '#domain/registry/references.ts';
import { overlay } from '#domain/registry/registered.ts';
import { liveGeneration } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

interface PlanContext {
  readonly catalog: Catalog;
  readonly requirements: Requirements;
  /** of who approves */
  readonly mayBreak?: MayBreak | undefined;
  /** of an erasure that is kept; null: nothing is */
  readonly erasurePlan?: (id: string) => ErasurePlan | null;
}

const retirement = (catalog: Catalog, kind: Kind, name: string): ProposalPlan => ({
  type: 'changes',
  changes: [
    {
      kind,
      name,
      action: 'retire',
      cost: 'none',
      fields: [],
      notes: downstreamOf(overlay(catalog, []).all(), streamOf(kind, name)).map(
        (reader) => `${reader} reads it`,
      ),
      problems: [],
    },
  ],
});

const promotion = (catalog: Catalog, view: string, generation: number): ProposalPlan => {
  const { state } = catalog.stream('feature-view', view) ?? fail('MR_NOT_FOUND', view);
  const { version } =
    state.generations.find((one) => one.generation === generation) ??
    fail('MR_NOT_FOUND', `view "${view}" has no generation ${generation}`);
  const live = liveGeneration(state);
  return {
    type: 'promotion',
    view,
    generation,
    version,
    live: live === null ? null : { generation: live.generation, version: live.version },
  };
};

const changes = (
  { catalog, mayBreak }: PlanContext,
  definitions: readonly Definition[],
  options: Parameters<typeof planDefinitions>[2] = {},
): ProposalPlan => {
  refuseFinal(catalog, definitions, mayBreak);
  return { type: 'changes', changes: planDefinitions(catalog, definitions, options).changes };
};

const ofCommand = (context: PlanContext, { type, data }: CommandRequest): ProposalPlan => {
  const fields = data as Readonly<Record<string, unknown>>;
  const registered = KINDS.find((kind) => REGISTER[kind] === type);
  if (registered !== undefined)
    return changes(context, [readDefinition({ ...fields, kind: registered }).definition]);
  if (type === 'PromoteReplay')
    return promotion(context.catalog, fields.view as string, fields.generation as number);
  return retirement(context.catalog, fields.kind as Kind, fields.name as string);
};

/** @throws MR_FORBIDDEN where it breaks what who approves may not break */
export const planOf = (context: PlanContext, request: ProposedRequest): ProposalPlan => {
  switch (request.type) {
    case 'apply':
      return changes(context, request.definitions, request.options);
    case 'command':
      return ofCommand(context, request.command);
    case 'key':
      return { type: 'key', key: request.key };
    case 'requirement': {
      const { namespace, for: after, validMs } = request.requirement;
      const before = context.requirements.get(namespace) ?? NO_SETTING;
      return {
        type: 'requirement',
        namespace,
        before: before.for,
        after,
        ...(validMs === undefined ? {} : { validMs: { before: before.validMs, after: validMs } }),
      };
    }
    case 'erasure': {
      const { erasure } = request;
      const plan =
        context.erasurePlan?.(erasure) ??
        fail('MR_NOT_FOUND', `it is not known any more who erasure ${erasure} was to erase`);
      return { type: 'erasure', ...plan, found: [] };
    }
  }
};
