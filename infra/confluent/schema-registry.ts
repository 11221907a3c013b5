/**
 * The schema registry over Confluent's API (Apicurio's `ccompat`, Confluent's own). Every subject
 * is set to BACKWARD before its first schema is registered, so the registry refuses a schema that
 * would break a reader, whichever client sends it. The message that names the field is made here. A
 * registry may compare schemas as text, so the attributes are always sent in one order: equal
 * schemas have one id.
 */

import {
  SchemaRegistry as Client,
  COMPATIBILITY,
  SchemaType,
} from '@kafkajs/confluent-schema-registry';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { incompatibility } from '#infra/shared/avro/compatibility.ts';
import { createRegistryRequest, statusOf } from './registry-request.ts';

export interface ConfluentRegistryOptions {
  /** e.g. http://127.0.0.1:7421/apis/ccompat/v7 */
  readonly url: string;
  /** before every subject, so that several platforms share a registry */
  readonly prefix?: string;
  readonly retryForMs?: number;
}

/**
 * Sorts the attributes, whose order has no meaning in Avro's JSON. The order of fields and symbols
 * has, and arrays keep it.
 */
const ordered = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(ordered);
  if (schema === null || typeof schema !== 'object') return schema;
  const entries = Object.entries(schema).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([name, value]) => [name, ordered(value)]));
};

type VersionAnswer = { readonly id: number; readonly version: number; readonly schema: string };

const RETRY_FOR_MS = 5_000;
const CONFLICT = 409;
const UNPROCESSABLE = 422;

export const confluentSchemaRegistry = ({
  url,
  prefix = '',
  retryForMs = RETRY_FOR_MS,
}: ConfluentRegistryOptions): SchemaRegistry => {
  const host = url.replace(/\/$/, '');
  const { request, withRetries } = createRegistryRequest(host, retryForMs);
  const client = new Client({ host, retry: { retries: 0 } });
  const schemas = new Map<number, object>();
  const versionsOf = new Map<string, { readonly id: number; readonly version: number }>();
  const madeBackward = new Set<string>();
  const registered = new Map<string, number>();

  const path = (subject: string): string => encodeURIComponent(prefix + subject);

  const version = async (
    subject: string,
    which: number | 'latest',
  ): Promise<VersionAnswer | null> =>
    await request<VersionAnswer>('GET', `subjects/${path(subject)}/versions/${which}`);

  const latest: SchemaRegistry['latest'] = async (subject) => {
    const found = await version(subject, 'latest');
    return found === null
      ? null
      : { id: found.id, version: found.version, schema: JSON.parse(found.schema) as object };
  };

  const makeBackward = async (subject: string): Promise<void> => {
    if (madeBackward.has(subject)) return;
    const set = (): Promise<unknown> =>
      request('PUT', `config/${path(subject)}`, { compatibility: COMPATIBILITY.BACKWARD });
    // If two processes set it at the same time, the registry refuses one. That one then sets the
    // same value again.
    await set().catch((error: unknown) =>
      statusOf(error) === CONFLICT ? set() : Promise.reject(error),
    );
    madeBackward.add(subject);
  };

  const refuse = (
    subject: string,
    message: string,
    field: string | null,
    newest: number | null,
  ): never => {
    throw new MillraceError('MR_SCHEMA_INCOMPATIBLE', `Schema of "${subject}": ${message}`, {
      subject,
      field,
      version: newest,
    });
  };

  return {
    async register(subject, schema) {
      const text = JSON.stringify(ordered(schema));
      const cached = registered.get(`${subject}\n${text}`);
      if (cached !== undefined) return cached;
      const existing = await request<{ readonly id: number }>('POST', `subjects/${path(subject)}`, {
        schema: text,
      });
      if (existing === null) {
        const last = await latest(subject);
        const problem = incompatibility(schema, last?.schema ?? null);
        if (problem !== null)
          return refuse(subject, problem.message, problem.field, last?.version ?? null);
      }
      await makeBackward(subject);
      const id = existing?.id ?? (await send(subject, text));
      registered.set(`${subject}\n${text}`, id);
      return id;
    },
    async schema(id) {
      const cached = schemas.get(id);
      if (cached !== undefined) return cached;
      const found = await request<{ readonly schema: string }>('GET', `schemas/ids/${id}`);
      if (found === null)
        throw new MillraceError('MR_NOT_FOUND', `There is no schema with id ${id}.`, { id });
      const schema = JSON.parse(found.schema) as object;
      schemas.set(id, schema);
      return schema;
    },
    latest,
    async versions(subject) {
      const numbers =
        (await request<readonly number[]>('GET', `subjects/${path(subject)}/versions`)) ?? [];
      return Promise.all(
        numbers.map(async (number) => {
          const key = `${subject}\n${number}`;
          const cached = versionsOf.get(key);
          if (cached !== undefined) return cached;
          const found = await version(subject, number);
          if (found === null)
            throw new MillraceError(
              'MR_NOT_FOUND',
              `Subject "${subject}" has no version ${number}.`,
            );
          const entry = { id: found.id, version: found.version };
          versionsOf.set(key, entry);
          return entry;
        }),
      );
    },
  };

  /** The registry itself refuses where another process has registered a schema meanwhile. */
  async function send(subject: string, text: string, tries = 3): Promise<number> {
    try {
      const { id } = await withRetries('registering a schema', () =>
        client.register(
          { type: SchemaType.AVRO, schema: text },
          { subject: prefix + subject, compatibility: COMPATIBILITY.BACKWARD },
        ),
      );
      return id;
    } catch (error) {
      const status = statusOf(error);
      if (status !== CONFLICT && status !== UNPROCESSABLE) throw error;
      const last = await latest(subject);
      const problem = incompatibility(JSON.parse(text) as object, last?.schema ?? null);
      // The schema is compatible: another process registered one at the same moment.
      if (problem === null && status === CONFLICT && tries > 1)
        return send(subject, text, tries - 1);
      return refuse(
        subject,
        problem?.message ?? `the registry refused it: ${messageOf(error)}`,
        problem?.field ?? null,
        last?.version ?? null,
      );
    }
  }
};
