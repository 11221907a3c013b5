/**
 * A platform that authenticates by keys, behind both gateways. Namespace `payments` has one
 * resource of each kind, namespace `fraud` has one view.
 */

import {
  count,
  entity,
  featureService,
  featureView,
  onDemandFeature,
  request,
  source,
  sum,
} from 'millrace';
import type { Caller } from '#domain/api/caller.ts';
import type { KeyRequest } from '#domain/api/keys.ts';
import type { Access, Platform } from '#domain/api/platform.ts';
import { OPEN } from '#domain/authorization/principal.ts';
import { col } from '#domain/expressions/build.ts';
import type { AccessOptions } from '#domain/ports/access.ts';
import { createGrpcGateway, type GrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const inPayments = { namespace: 'payments' };
export const card = entity({ ...inPayments, name: 'card', keys: { card: 'string' } });
export const charges = source({
  ...inPayments,
  name: 'charges',
  fields: { id: 'string', card: 'string', at: 'timestamp', amount: 'double' },
  eventTime: 'at',
  eventId: 'id',
});
export const spending = featureView({
  ...inPayments,
  name: 'spending',
  entity: card,
  source: charges,
  features: { charges: count(), spent: sum(col('amount')) },
});
export const doubled = onDemandFeature({
  ...inPayments,
  name: 'doubled',
  type: 'double',
  inputs: { spent: spending.feature('spent'), by: request('by', 'double') },
  value: ({ spent, by }) => spent.times(by),
});
export const scoring = featureService({
  ...inPayments,
  name: 'scoring',
  features: [spending, doubled],
});
/** Computed from the charges of payments, for readers of fraud. */
export const suspicion = featureView({
  namespace: 'fraud',
  name: 'suspicion',
  entity: card,
  source: charges,
  features: { seen: count() },
});
export const hinted = onDemandFeature({
  namespace: 'fraud',
  name: 'hinted',
  type: 'double',
  inputs: { spent: spending.feature('spent') },
  value: ({ spent }) => spent.times(1),
});
export const mixed = featureService({
  namespace: 'fraud',
  name: 'mixed',
  features: [suspicion, spending.pick('spent')],
});

export const DEFINITIONS = plain(
  card,
  charges,
  spending,
  doubled,
  scoring,
  suspicion,
  hinted,
  mixed,
);
export const charge = (id: string, amount = 2) => ({ id, card: 'c1', at: Date.now(), amount });

/** The actor of the first resources, from before authentication. */
export const founder: Caller = { actor: 'founder', principal: OPEN };

export interface Guarded {
  readonly test: TestPlatform;
  readonly platform: Platform;
  readonly access: Access;
  readonly http: HttpGateway;
  readonly grpc: GrpcGateway;
  /** a key with these grants, as the value of its header */
  readonly key: (
    grants: readonly string[],
    more?: Partial<KeyRequest>,
  ) => Promise<{ readonly id: string; readonly header: string }>;
  readonly call: (
    method: string,
    path: string,
    key: string | null,
    body?: unknown,
  ) => Promise<{
    readonly status: number;
    readonly body: { readonly code?: string; readonly message?: string };
    readonly headers: Headers;
  }>;
  readonly dispose: () => Promise<void>;
}

export const guarded = async (
  options: Partial<AccessOptions> = {},
  definitions = DEFINITIONS,
  embedded: Parameters<typeof testPlatform>[0] = {},
): Promise<Guarded> => {
  const test = await testPlatform(embedded);
  const { platform } = test;
  await platform.registry.apply(definitions, {}, founder);
  const access = platform.access({ authentication: 'required', ...options });
  const http = await createHttpGateway({
    modules: httpModules(),
    platform: access.platform,
    access,
    port: 0,
  });
  const grpc = await createGrpcGateway({
    modules: grpcModules(),
    platform: access.platform,
    access,
    port: 0,
  });
  return {
    test,
    platform,
    access,
    http,
    grpc,
    async key(grants, more = {}) {
      const { id, key } = await platform.keys.create(
        { name: 'somebody', grants, ...more },
        founder,
      );
      return { id, header: `Bearer ${key}` };
    },
    async call(method, path, key, body) {
      const response = await fetch(`${http.url}${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === null ? {} : { authorization: key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const json =
        response.headers.get('content-type')?.includes('application/json') === true && text !== '';
      return {
        status: response.status,
        body: json ? (JSON.parse(text) as object) : {},
        headers: response.headers,
      };
    },
    async dispose() {
      await http.close();
      await grpc.close();
      await test.dispose();
    },
  };
};
