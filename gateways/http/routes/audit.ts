import { fail } from '#domain/errors.ts';
import { type AuditHead, GENESIS } from '#domain/ports/audit-store.ts';
import { optionalTime, optionalWholeNumber, pageLimit } from '#gateways/shared/parameters.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import type { RouteModule } from '../route-module.ts';
import {
  type AuditQuery,
  auditHead,
  auditPage,
  auditPublicKey,
  auditQuery,
  auditVerification,
  type VerifyQuery,
  verifyQuery,
} from '../schemas/audit.ts';
import { answers } from '../schemas/shapes.ts';

/** @throws MR_PARAMETER_INVALID */
const savedHead = (text: string | undefined): AuditHead | undefined => {
  if (text === undefined) return undefined;
  const [, sequence, hash = ''] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  return sequence === undefined
    ? fail(
        'MR_PARAMETER_INVALID',
        `"head" must be NUMBER:HASH as \`millrace audit head\` prints it, not ${JSON.stringify(text)}`,
        { parameter: 'head', value: text },
      )
    : { sequence: Number(sequence), hash };
};

export const auditRoutes: RouteModule = {
  name: 'audit',
  prefix: '/v1/audit',
  register(app, { platform }) {
    app.get<{ Querystring: AuditQuery }>(
      '/v1/audit',
      {
        schema: {
          tags: ['audit'],
          summary: 'Who did what, newest last; `next` is the `after` of the next page',
          querystring: auditQuery,
          response: answers(200, auditPage),
        },
      },
      (request) => {
        const { since, until, after, limit, ...exact } = request.query;
        const range = { since: optionalTime('since', since), until: optionalTime('until', until) };
        const page = compact({
          ...range,
          after: optionalWholeNumber('after', after),
          limit: pageLimit(limit),
        });
        return platform.audit.log({ ...exact, ...page }, callerOf(request));
      },
    );
    app.get<{ Querystring: VerifyQuery }>(
      '/v1/audit/verify',
      {
        schema: {
          tags: ['audit'],
          summary:
            'Whether the hash chain of the audit log is complete, extends `head` (NUMBER:HASH), and is signed with one of the keys `publicKey` (several: with commas) from record `signedFrom` on, if given',
          querystring: verifyQuery,
          response: answers(200, auditVerification),
        },
      },
      (request) => {
        const { head, publicKey, signedFrom } = request.query;
        const expected = compact({
          head: savedHead(head),
          publicKeys: publicKey?.split(','),
          signedFrom: optionalWholeNumber('signedFrom', signedFrom),
        });
        return platform.audit.verify(expected, callerOf(request));
      },
    );
    app.get(
      '/v1/audit/public-key',
      {
        schema: {
          tags: ['audit'],
          summary: 'The key that verifies signatures of records, to be kept elsewhere; null: none',
          response: answers(200, auditPublicKey),
        },
      },
      async (request) => ({ publicKey: await platform.audit.publicKey(callerOf(request)) }),
    );
    app.get(
      '/v1/audit/head',
      {
        schema: {
          tags: ['audit'],
          summary: 'The number and hash of the newest record, to be kept elsewhere',
          response: answers(200, auditHead),
        },
      },
      async (request) =>
        (await platform.audit.head(callerOf(request))) ?? { sequence: 0, hash: GENESIS },
    );
  },
};
