/**
 * Random commands on one proposal, against a list of what happened: nothing is approved without
 * another principal, in time, on the plan that was proposed, and it is decided once.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decideProposal,
  evolveProposal,
  type Person,
  type ProposalCommand,
  type ProposalEvent,
  type ProposalState,
} from './proposal.ts';
import type { ProposalPlan } from './request.ts';

const EXPIRES = 1_000;
/** Two keys of one name, and somebody else. */
const PEOPLE: readonly Person[] = [
  { actor: 'ann', principal: 'access-key/1' },
  { actor: 'ann', principal: 'access-key/2' },
  { actor: 'bob', principal: 'access-key/3' },
];
const planOf = (generation: number): ProposalPlan => ({
  type: 'promotion',
  view: 'v',
  generation,
  version: 1,
  live: null,
});
const made: ProposalCommand = {
  type: 'Propose',
  proposal: {
    id: 'p',
    matter: 'promotions',
    namespaces: ['n'],
    request: { type: 'command', command: { type: 'PromoteReplay', data: {} } },
    plan: planOf(1),
    reason: null,
    by: PEOPLE[0] as Person,
    at: 0,
    expiresAt: EXPIRES,
  },
};

interface Step {
  readonly action: 'approve' | 'refuse' | 'complete';
  readonly by: number;
  readonly after: number;
  readonly plan: number | null;
  readonly revoked: boolean;
  readonly reason: string | null;
}
const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom('approve', 'approve', 'refuse', 'complete'),
  by: fc.nat(PEOPLE.length - 1),
  after: fc.constantFrom(1, 100, 400),
  plan: fc.constantFrom(1, 1, 1, 2, null),
  revoked: fc.constantFrom(false, false, false, true),
  reason: fc.constantFrom('because', ' ', null),
});

const commandOf = ({ action, by, plan, revoked, reason }: Step): ProposalCommand => {
  const [id, person] = ['p', PEOPLE[by] as Person];
  if (action === 'complete') return { type: 'CompleteProposal', id, problem: null };
  if (action === 'refuse') return { type: 'RefuseProposal', id, by: person, reason };
  const now = plan === null ? null : planOf(plan);
  return { type: 'ApproveProposal', id, by: person, reason, plan: now, proposerRevoked: revoked };
};

test('a proposal is approved by another principal, in time, on the plan that was proposed; once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let state: ProposalState | null = null;
      const happened: string[] = [];
      let [time, decided] = [0, false];
      const run = (command: ProposalCommand): string => {
        const decision = decideProposal(state, command, time);
        if (decision.outcome === 'refused') return decision.problem.code;
        const types = decision.events.map(({ type }: ProposalEvent) => type);
        happened.push(...types);
        state = decision.events.reduce(evolveProposal, state);
        return types.join();
      };
      expect(run(made)).toBe('ProposalMade');
      for (const one of steps) {
        time += one.after;
        const got = run(commandOf(one));
        const inTime = time < EXPIRES;
        if (got === 'ProposalApproved') {
          expect([decided, inTime, one.by !== 0, one.plan, one.revoked]).toEqual([
            false,
            true,
            true,
            1,
            false,
          ]);
          decided = true;
        } else if (got === 'ProposalRefused') {
          expect([decided, inTime, one.reason]).toEqual([false, true, 'because']);
          decided = true;
        } else if (one.action === 'approve' && !decided && inTime) {
          expect(one.by === 0 || one.plan !== 1 || one.revoked, got).toBe(true);
        }
      }
      const counts = (type: string): number => happened.filter((one) => one === type).length;
      expect(counts('ProposalApproved') + counts('ProposalRefused')).toBeLessThanOrEqual(1);
      expect(counts('ProposalCarriedOut')).toBeLessThanOrEqual(counts('ProposalApproved'));
    }),
  );
});
