/**
 * Which roles may do what, in one table. A grant is a role in one namespace or in all (`*`). A
 * caller requests an action on resources of namespaces; it is allowed if some grant has a role that
 * the table permits for the action.
 */
import { NAME, NAME_RULE } from '#domain/definitions/names.ts';
import { fail } from '#domain/errors.ts';

export const ROLES = [
  'reader',
  'producer',
  'author',
  'operator',
  'auditor',
  'eraser',
  'admin',
] as const;
export type Role = (typeof ROLES)[number];

export interface Grant {
  readonly role: Role;
  /** a namespace, or `*` */
  readonly namespace: string;
}

export const EVERYWHERE = '*';

/** Actions, and the roles that may perform each; `admin` may perform all. */
export const ACTIONS = {
  read: {
    roles: ['reader'],
    says: 'feature values, now and at past times; training sets; batches; tables of rollups; how far served values were from them',
  },
  publish: { roles: ['producer'], says: 'events into sources, and a producer’s own sequence' },
  catalog: {
    roles: ['reader', 'producer', 'author', 'operator', 'auditor', 'eraser'],
    says: 'what is registered, its lineage, how fresh it is',
  },
  use: { roles: ['reader', 'author'], says: 'refer to it in a definition of one’s own' },
  define: { roles: ['author'], says: 'plan, apply, deprecate, retire, restore' },
  operate: {
    roles: ['operator'],
    says: 'replays, rejected and late events, resending, rollups, status, export of all events, tables of raw events, import of history; everywhere: metrics',
  },
  files: {
    roles: ['operator'],
    says: 'everywhere: name files of the server’s machine in data sets and batches',
  },
  explain: {
    roles: ['auditor'],
    says: 'why a value is what it is, with the raw events that made it; what was served to a request',
  },
  audit: { roles: ['auditor'], says: 'the audit log; whether its chain is whole' },
  approvals: {
    roles: ['author', 'operator', 'auditor', 'eraser'],
    says: 'proposals, and what needs approval; approving one also takes the rights that its request takes',
  },
  erase: {
    roles: ['eraser'],
    says: 'everywhere: remove all that the platform has of one entity; erasures, and who waits for one',
  },
  protect: { roles: [], says: 'say what needs approval in it' },
  keys: { roles: [], says: 'make, list and revoke keys whose grants lie in it' },
} as const satisfies Readonly<
  Record<string, { readonly roles: readonly Role[]; readonly says: string }>
>;

export type Action = keyof typeof ACTIONS;

const allows = (role: Role, action: Action): boolean =>
  role === 'admin' || (ACTIONS[action].roles as readonly Role[]).includes(role);

/** Any one of these roles suffices. */
export const neededRoles = (action: Action): readonly Role[] => [
  ...(ACTIONS[action].roles as readonly Role[]),
  'admin',
];

/** @param namespace `*`: the platform as a whole, which only a grant in all namespaces covers */
export const may = (grants: readonly Grant[], action: Action, namespace: string): boolean => {
  for (const grant of grants)
    if (
      (grant.namespace === EVERYWHERE || grant.namespace === namespace) &&
      allows(grant.role, action)
    )
      return true;
  return false;
};

/** Whether the action is allowed in at least one namespace. */
export const maySomewhere = (grants: readonly Grant[], action: Action): boolean =>
  grants.some(({ role }) => allows(role, action));

export const formatGrant = ({ role, namespace }: Grant): string => `${role}@${namespace}`;

/** Reads `reader@payments` or `admin@*`; null where the text is not a grant. */
export const readGrant = (text: string): Grant | null => {
  const at = text.indexOf('@');
  const [role, namespace] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 0 || !(ROLES as readonly string[]).includes(role)) return null;
  return namespace === EVERYWHERE || NAME.test(namespace)
    ? { role: role as Role, namespace }
    : null;
};

export const parseGrant = (text: string): Grant =>
  readGrant(text) ??
  fail(
    'MR_BODY_INVALID',
    `${JSON.stringify(text)} is not a grant: write ROLE@NAMESPACE or ROLE@*; the roles are ${ROLES.join(', ')}, a namespace is ${NAME_RULE}`,
    { grant: text },
  );
