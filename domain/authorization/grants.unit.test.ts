/** The table of roles; tests/access compares the guide's copy with it. */
import { expect, test } from 'vitest';
import {
  ACTIONS,
  type Action,
  type Grant,
  may,
  maySomewhere,
  parseGrant,
  ROLES,
  readGrant,
} from './grants.ts';

const actions = Object.keys(ACTIONS) as Action[];

test.each(ROLES)(
  '%s may in its namespace what the table gives it, in no other, and everywhere with *',
  (role) => {
    for (const action of actions) {
      const allowed =
        role === 'admin' || (ACTIONS[action].roles as readonly string[]).includes(role);
      const here: readonly Grant[] = [{ role, namespace: 'payments' }];
      expect(may(here, action, 'payments'), action).toBe(allowed);
      expect(may(here, action, 'fraud'), action).toBe(false);
      expect(may(here, action, '*'), `${action} on the platform as a whole`).toBe(false);
      expect(may([{ role, namespace: '*' }], action, 'payments'), action).toBe(allowed);
      expect(may([{ role, namespace: '*' }], action, '*'), action).toBe(allowed);
      expect(maySomewhere(here, action), action).toBe(allowed);
    }
  },
);

test('several grants add up, and without a grant nothing is allowed', () => {
  const grants = ['reader@a', 'producer@b'].map(parseGrant);
  expect(may(grants, 'read', 'a')).toBe(true);
  expect(may(grants, 'publish', 'a')).toBe(false);
  expect(may(grants, 'publish', 'b')).toBe(true);
  for (const action of actions) expect(may([], action, 'a')).toBe(false);
});

test('only an admin manages keys', () => {
  expect(ROLES.filter((role) => may([{ role, namespace: '*' }], 'keys', '*'))).toEqual(['admin']);
});

test.each([
  'reader',
  'reader@',
  '@x',
  'root@x',
  'reader@Payments',
  'reader@a@b',
  'reader@**',
  '',
  'constructor@x',
])('%j is no grant, and is refused with what one looks like', (text) => {
  expect(readGrant(text)).toBe(null);
  expect(() => parseGrant(text)).toThrow(/ROLE@NAMESPACE/);
});
