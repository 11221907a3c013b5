/**
 * The schema registry over Confluent's API (Apicurio's `ccompat`, Confluent's own). Every subject
 * is set to BACKWARD before its first schema goes in, so the registry itself refuses what would
 * break a reader, whoever sends it; the sentence that names the field is ours. A registry may
 * compare schemas as text: ours are always sent with their attributes in one order, so equal
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
 * Attribute order carries no meaning in Avro's JSON; the order of fields and symbols does, and
 * arrays keep it.
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
  const { ask, patiently } = createRegistryRequest(host, retryForMs);
  const client = new Client({ host, retry: { retries: 0 } });
  const schemas = new Map<number, object>();
  const versionsOf = new Map<string, { readonly id: number; readonly version: number }>();
  const guarded = new Set<string>();
  const registered = new Map<string, number>();

  const path = (subject: string): string => encodeURIComponent(prefix + subject);

  const version = async (
    subject: string,
    which: number | 'latest',
  ): Promise<VersionAnswer | null> =>
    await ask<VersionAnswer>('GET', `subjects/${path(subject)}/versions/${which}`);

  const latest: SchemaRegistry['latest'] = async (subject) => {
    const found = await version(subject, 'latest');
    return found === null
      ? null
      : { id: found.id, version: found.version, schema: JSON.parse(found.schema) as object };
  };

  const guard = async (subject: string): Promise<void> => {
    if (guarded.has(subject)) return;
    const set = (): Promise<unknown> =>
      ask('PUT', `config/${path(subject)}`, { compatibility: COMPATIBILITY.BACKWARD });
    // Of two that set it first at the same time, the registry refuses one, which then changes what
    // the other set: to the same.
    await set().catch((error: unknown) =>
      statusOf(error) === CONFLICT ? set() : Promise.reject(error),
    );
    guarded.add(subject);
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
      const known = registered.get(`${subject}\n${text}`);
      if (known !== undefined) return known;
      const held = await ask<{ readonly id: number }>('POST', `subjects/${path(subject)}`, {
        schema: text,
      });
      if (held === null) {
        const last = await latest(subject);
        const problem = incompatibility(schema, last?.schema ?? null);
        if (problem !== null)
          return refuse(subject, problem.message, problem.field, last?.version ?? null);
      }
      await guard(subject);
      const id = held?.id ?? (await send(subject, text));
      registered.set(`${subject}\n${text}`, id);
      return id;
    },
    async schema(id) {
      const cached = schemas.get(id);
      if (cached !== undefined) return cached;
      const found = await ask<{ readonly schema: string }>('GET', `schemas/ids/${id}`);
      if (found === null)
        throw new MillraceError('MR_NOT_FOUND', `There is no schema with id ${id}.`, { id });
      const schema = JSON.parse(found.schema) as object;
      schemas.set(id, schema);
      return schema;
    },
    latest,
    async versions(subject) {
      const numbers =
        (await ask<readonly number[]>('GET', `subjects/${path(subject)}/versions`)) ?? [];
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

  /** Another process may have registered in between: then it is the registry that refuses. */
  async function send(subject: string, text: string, tries = 3): Promise<number> {
    try {
      const { id } = await patiently('registering a schema', () =>
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
      // Nothing is wrong with the schema: another registered at the same moment.
      if (problem === null && status === CONFLICT && tries > 1)
        return send(subject, text, tries - 1);
      const said = messageOf(error);
      return refuse(
        subject,
        problem?.message ?? `the registry refused it: ${said}`,
        problem?.field ?? null,
        last?.version ?? null,
      );
    }
  }
};
