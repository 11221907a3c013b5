import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { schemaRegistryContract } from '#tests/contracts/schema-registry.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';

const open = (prefix: string) => confluentSchemaRegistry({ url: addresses().registry, prefix });
const freshPrefix = (): string => `${randomUUID().slice(0, 8)}.`;

schemaRegistryContract('Confluent', async () => {
  const prefix = freshPrefix();
  return { registry: open(prefix), reopen: async () => open(prefix), close: async () => undefined };
});

describe('the registry itself', () => {
  const schema = (...fields: readonly object[]): object => ({ type: 'record', name: 'R', fields });
  const id = { name: 'id', type: 'string' };

  test('refuses an incompatible schema from any client', async () => {
    const prefix = freshPrefix();
    await open(prefix).register('s', schema(id));
    const answer = await fetch(`${addresses().registry}/subjects/${prefix}s/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({
        schema: JSON.stringify(schema(id, { name: 'gate', type: 'string' })),
      }),
    });
    expect(answer.status).toBe(409);
  });

  test('gives one id to two clients that register the same schema at once', async () => {
    const prefix = freshPrefix();
    const ids = await Promise.all([1, 2, 3, 4].map(() => open(prefix).register('s', schema(id))));
    expect(new Set(ids).size).toBe(1);
    expect(await open(prefix).versions('s')).toEqual([{ id: ids[0], version: 1 }]);
  });

  test('is reported as unavailable, after a while, when it does not answer', async () => {
    const away = confluentSchemaRegistry({
      url: 'http://127.0.0.1:1/apis/ccompat/v7',
      retryForMs: 200,
    });
    await expect(away.latest('s')).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
    await expect(away.register('s', schema(id))).rejects.toMatchObject({
      code: 'MR_STORE_UNAVAILABLE',
    });
  });
});
