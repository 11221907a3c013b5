/**
 * Whether a change of the registry needs the approval of a second person: a breaking change,
 * judged by everything that it breaks, or a promotion.
 *
 * What would be a way around counts as breaking too: a retirement, because afterwards the
 * definition reads nothing that a change could break; and a move to another namespace, judged by
 * the one that is left.
 */
import type { Caller } from '#domain/api/caller.ts';
import {
  type ApprovalNeed,
  approvalProblem,
  neededApproval,
  type Requirements,
} from '#domain/approval/requirements.ts';
import { DEFAULT_NAMESPACE, type Definition, type Kind } from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import type { Change } from '#domain/registry/change.ts';
import type { RegistryCommand } from '#domain/registry/commands.ts';
import { newestVersion } from '#domain/registry/state.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

type Streams = Pick<Catalog, 'stream'>;

const namespaceIn = (definition: Pick<Definition, 'namespace'>): string =>
  definition.namespace ?? DEFAULT_NAMESPACE;

/** The namespace of the newest version, retired or not; none if nothing is registered. */
export const registeredIn = (catalog: Streams, id: string): readonly string[] => {
  const [kind, name] = [id.slice(0, id.indexOf('/')), id.slice(id.indexOf('/') + 1)];
  const stream = catalog.stream(kind as Kind, name);
  const newest = stream === null ? null : newestVersion(stream.state);
  return newest === null ? [] : [namespaceIn(newest.definition)];
};

/** @param change null: it changes nothing that is registered */
export const approvalOfChange = (
  catalog: Streams,
  requirements: Requirements,
  definition: Definition,
  change: Pick<Change, 'cost' | 'broken'> | null,
): ApprovalNeed | null => {
  if (change === null) return null;
  const present = registeredIn(catalog, `${definition.kind}/${definition.name}`);
  const after = namespaceIn(definition);
  const touched =
    change.cost === 'breaking'
      ? [...present, after, ...change.broken.flatMap((id) => registeredIn(catalog, id))]
      : present.filter((namespace) => namespace !== after);
  return neededApproval(requirements, 'breaking', touched);
};

export const approvalOfRetirement = (
  catalog: Streams,
  requirements: Requirements,
  id: string,
): ApprovalNeed | null => neededApproval(requirements, 'breaking', registeredIn(catalog, id));

/** @param change of a definition to register */
export const approvalOf = (
  catalog: Streams,
  requirements: Requirements,
  command: RegistryCommand,
  change: Change | null,
): ApprovalNeed | null => {
  switch (command.type) {
    case 'Register':
      return approvalOfChange(catalog, requirements, command.definition, change);
    case 'Retire':
      return approvalOfRetirement(catalog, requirements, `${command.kind}/${command.name}`);
    case 'PromoteReplay':
      return neededApproval(
        requirements,
        'promotions',
        registeredIn(catalog, `feature-view/${command.view}`),
      );
    default:
      return null;
  }
};

interface Refused {
  readonly outcome: 'refused';
  readonly problem: Problem;
}
type Decided = { readonly outcome: 'accepted'; readonly events: readonly unknown[] } | Refused;

/**
 * An accepted decision that needs approval, and does not have it, is refused.
 * @param caller null: the platform itself
 */
export const orNeedsApproval = <D extends Decided>(
  decision: D,
  caller: Caller | null,
  need: () => ApprovalNeed | null,
): D | Refused => {
  const changesNothing = decision.outcome === 'refused' || decision.events.length === 0;
  if (changesNothing || caller === null || caller.approval !== undefined) return decision;
  const needed = need();
  return needed === null ? decision : { outcome: 'refused', problem: approvalProblem(needed) };
};
