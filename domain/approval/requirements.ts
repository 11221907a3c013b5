/**
 * What needs the approval of a second person, per namespace. Streams `approval-setting/NAMESPACE`;
 * the namespace `*` is the setting of all namespaces.
 *
 * Requiring more is effective at once. Requiring less needs approval itself: otherwise one person
 * could turn the protection off, act, and turn it on again. A longer time in which proposals can be
 * approved is less, too, and a shorter one is more.
 */
import { EVERYWHERE } from '#domain/authorization/grants.ts';
import { NAME, NAME_RULE } from '#domain/definitions/names.ts';
import { fail, type Problem } from '#domain/errors.ts';
import { durationText } from '#domain/values/duration.ts';

/** In the order in which they are stored and shown. */
export const MATTERS = ['breaking', 'promotions', 'grants', 'erasures'] as const;
export type Matter = (typeof MATTERS)[number];

/** What a proposal is about: a matter, or less of them. */
export type ProposedMatter = Matter | 'requirements';

export interface Requirement {
  /** a namespace, or `*` */
  readonly namespace: string;
  readonly for: readonly Matter[];
  /** how long a proposal can be approved, ms; absent: it stays as it is */
  readonly validMs?: number;
}

/** What a namespace requires now. */
export interface ApprovalSetting {
  readonly for: readonly Matter[];
  readonly validMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const DEFAULT_VALID_MS = 7 * DAY_MS;
/** With less, no proposal could be approved in time, this setting included. */
const MIN_VALID_MS = HOUR_MS;
const MAX_VALID_MS = 90 * DAY_MS;

export const NO_SETTING: ApprovalSetting = { for: [], validMs: DEFAULT_VALID_MS };

export interface RequirementEvent {
  readonly type: 'ApprovalRequirementSet';
  readonly data: Requirement & { readonly at: number };
}

/** By namespace; a namespace that requires nothing may be absent. */
export type Requirements = ReadonlyMap<string, ApprovalSetting>;

/** What needs approval, and the namespaces that require it. */
export interface ApprovalNeed {
  readonly matter: ProposedMatter;
  readonly namespaces: readonly string[];
}

const STREAM = 'approval-setting/';
export const requirementStream = (namespace: string): string => `${STREAM}${namespace}`;
export const isRequirementStream = (stream: string): boolean => stream.startsWith(STREAM);

export const evolveRequirement = (
  state: ApprovalSetting,
  { data }: RequirementEvent,
): ApprovalSetting => ({ for: data.for, validMs: data.validMs ?? state.validMs });

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
    requirements.get(namespace)?.for.includes(matter) === true;
  const everywhere = requires(EVERYWHERE);
  const needed = [...new Set(namespaces)].filter(
    (namespace) =>
      everywhere ||
      (namespace === EVERYWHERE ? [...requirements.keys()].some(requires) : requires(namespace)),
  );
  return needed.length === 0 ? null : { matter, namespaces: needed.sort() };
};

/**
 * How long a proposal can be approved, ms: the shortest time of the namespaces that require it. The
 * setting of all namespaces counts where it requires anything.
 */
export const validityOf = (requirements: Requirements, namespaces: readonly string[]): number => {
  const settings = [EVERYWHERE, ...namespaces].flatMap((name) => requirements.get(name) ?? []);
  const times = settings.filter((one) => one.for.length > 0).map(({ validMs }) => validMs);
  return times.length === 0 ? DEFAULT_VALID_MS : Math.min(...times);
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
  validMs,
}: {
  readonly namespace: string;
  readonly for: readonly string[];
  readonly validMs?: number;
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
  if (validMs !== undefined && !(validMs >= MIN_VALID_MS && validMs <= MAX_VALID_MS))
    fail(
      'MR_BODY_INVALID',
      `a proposal can be approved for ${durationText(MIN_VALID_MS)} to ${durationText(MAX_VALID_MS)}, not for ${durationText(validMs)}`,
      { validMs },
    );
  const matters = MATTERS.filter((one) => wanted.includes(one));
  return { namespace, for: matters, ...(validMs === undefined ? {} : { validMs }) };
};

type RequirementDecision =
  | { readonly outcome: 'accepted'; readonly events: readonly RequirementEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

/** @param approved whether a second person has approved it */
export const decideRequirement = (
  state: ApprovalSetting,
  requirement: Requirement,
  approved: boolean,
  now: number,
): RequirementDecision => {
  const { namespace, for: wanted, validMs = state.validMs } = requirement;
  // Without a matter there are no proposals, so their time protects nothing.
  const longer = state.for.length > 0 && validMs > state.validMs;
  const less = longer || state.for.some((matter) => !wanted.includes(matter));
  const more = validMs !== state.validMs || wanted.some((matter) => !state.for.includes(matter));
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
