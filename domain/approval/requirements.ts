/**
 * What needs the approval of a second person, per namespace. Streams `approval-setting/NAMESPACE`;
 * the namespace `*` is the setting of all namespaces.
 *
 * Requiring more is effective at once. Requiring less needs approval itself: otherwise one person
 * could turn the protection off, act, and turn it on again.
 */
import { EVERYWHERE } from '#domain/authorization/grants.ts';
import { NAME, NAME_RULE } from '#domain/definitions/names.ts';
import { fail, type Problem } from '#domain/errors.ts';

/** In the order in which they are stored and shown. */
export const MATTERS = ['breaking', 'promotions', 'grants', 'erasures'] as const;
export type Matter = (typeof MATTERS)[number];

/** What a proposal is about: a matter, or less of them. */
export type ProposedMatter = Matter | 'requirements';

export interface Requirement {
  /** a namespace, or `*` */
  readonly namespace: string;
  readonly for: readonly Matter[];
}

export interface RequirementEvent {
  readonly type: 'ApprovalRequirementSet';
  readonly data: Requirement & { readonly at: number };
}

/** By namespace; a namespace that requires nothing may be absent. */
export type Requirements = ReadonlyMap<string, readonly Matter[]>;

/** What needs approval, and the namespaces that require it. */
export interface ApprovalNeed {
  readonly matter: ProposedMatter;
  readonly namespaces: readonly string[];
}

const STREAM = 'approval-setting/';
export const requirementStream = (namespace: string): string => `${STREAM}${namespace}`;
export const isRequirementStream = (stream: string): boolean => stream.startsWith(STREAM);

export const evolveRequirement = (
  _state: readonly Matter[],
  { data }: RequirementEvent,
): readonly Matter[] => data.for;

/**
 * The need of an act in these namespaces; null: they do not require any. What concerns all
 * namespaces needs approval if any of them requires it: a key with `admin@*` can do in each of them
 * what it may not do there alone.
 */
export const neededApproval = (
  requirements: Requirements,
  matter: Matter,
  namespaces: readonly string[],
): ApprovalNeed | null => {
  const requires = (namespace: string): boolean =>
    requirements.get(namespace)?.includes(matter) === true;
  const everywhere = requires(EVERYWHERE);
  const needed = [...new Set(namespaces)].filter(
    (namespace) =>
      everywhere ||
      (namespace === EVERYWHERE ? [...requirements.keys()].some(requires) : requires(namespace)),
  );
  return needed.length === 0 ? null : { matter, namespaces: needed.sort() };
};

const SAYS: Readonly<Record<ProposedMatter, string>> = {
  breaking: 'a breaking change',
  promotions: 'a promotion',
  grants: 'a grant',
  erasures: 'an erasure',
  requirements: 'requiring less approval',
};

export const approvalProblem = ({ matter, namespaces }: ApprovalNeed): Problem => ({
  code: 'MR_APPROVAL_REQUIRED',
  message: `${SAYS[matter]} in ${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${namespaces.join(', ')} needs the approval of a second person`,
  details: { matter, namespaces },
});

/** @throws MR_BODY_INVALID that names the part */
export const requirementOf = ({
  namespace,
  for: wanted,
}: {
  readonly namespace: string;
  readonly for: readonly string[];
}): Requirement => {
  if (namespace !== EVERYWHERE && !NAME.test(namespace))
    fail(
      'MR_BODY_INVALID',
      `${JSON.stringify(namespace)} is no namespace: it must be ${NAME_RULE}, or * for all namespaces`,
      { namespace },
    );
  for (const one of wanted)
    if (!(MATTERS as readonly string[]).includes(one))
      fail(
        'MR_BODY_INVALID',
        `${JSON.stringify(one)} cannot need approval: name any of ${MATTERS.join(', ')}, or nothing`,
        { for: one },
      );
  return { namespace, for: MATTERS.filter((one) => wanted.includes(one)) };
};

type RequirementDecision =
  | { readonly outcome: 'accepted'; readonly events: readonly RequirementEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

/** @param approved whether a second person has approved it */
export const decideRequirement = (
  state: readonly Matter[],
  requirement: Requirement,
  approved: boolean,
  now: number,
): RequirementDecision => {
  const { namespace, for: wanted } = requirement;
  const [less, more] = [
    state.some((matter) => !wanted.includes(matter)),
    wanted.some((matter) => !state.includes(matter)),
  ];
  if (!less && !more) return { outcome: 'accepted', events: [] };
  if (less && !approved)
    return {
      outcome: 'refused',
      problem: approvalProblem({ matter: 'requirements', namespaces: [namespace] }),
    };
  return {
    outcome: 'accepted',
    events: [{ type: 'ApprovalRequirementSet', data: { ...requirement, at: now } }],
  };
};
