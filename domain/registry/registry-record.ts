/**
 * A record of topic `registry`: one commit, which is the outcome of one command, accepted or
 * refused.
 */

import { avroCodec } from '#domain/avro/codec.ts';
import { fail } from '#domain/errors.ts';
import type { Commit } from '#domain/ports/event-store.ts';

export const registryRecordSchema = {
  type: 'record',
  name: 'RegistryCommit',
  namespace: 'millrace',
  fields: [
    { name: 'position', type: 'long' },
    { name: 'stream', type: 'string' },
    { name: 'version', type: 'long' },
    { name: 'commandId', type: 'string' },
    { name: 'command', type: 'string' },
    { name: 'data', type: 'string', doc: 'the command, JSON' },
    { name: 'actor', type: 'string' },
    { name: 'reason', type: ['null', 'string'], default: null },
    { name: 'time', type: { type: 'long', logicalType: 'timestamp-millis' } },
    {
      name: 'refusal',
      type: [
        'null',
        {
          type: 'record',
          name: 'Refusal',
          fields: [
            { name: 'code', type: 'string' },
            { name: 'message', type: 'string' },
          ],
        },
      ],
      default: null,
    },
    {
      name: 'events',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'RegistryEvent',
          fields: [
            { name: 'type', type: 'string' },
            { name: 'data', type: 'string', doc: 'JSON' },
          ],
        },
      },
    },
    {
      name: 'principal',
      type: ['null', 'string'],
      default: null,
      doc: 'id of the principal; null: the platform itself, or a record of an old version',
    },
  ],
} as const;

const type = avroCodec(registryRecordSchema);
/** Records of earlier releases end before the principal. */
const typeBefore = avroCodec({
  ...registryRecordSchema,
  fields: registryRecordSchema.fields.filter(({ name }) => name !== 'principal'),
});

export const encodeCommit = (commit: Commit): Uint8Array =>
  type.toBuffer({
    position: commit.position,
    stream: commit.stream,
    version: commit.version,
    commandId: commit.command.id,
    command: commit.command.type,
    data: JSON.stringify(commit.command.data ?? null),
    actor: commit.command.actor,
    reason: commit.command.reason,
    time: commit.command.time,
    refusal: commit.refusal,
    events: commit.events.map((event) => ({ type: event.type, data: JSON.stringify(event.data) })),
    principal: commit.command.principal ?? null,
  });

interface Wire {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly commandId: string;
  readonly command: string;
  readonly data: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly time: number;
  readonly refusal: { readonly code: string; readonly message: string } | null;
  readonly events: readonly { readonly type: string; readonly data: string }[];
  readonly principal?: string | null;
}

const wireOf = (bytes: Uint8Array): Wire => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return type.fromBuffer(buffer) as Wire;
  } catch (error) {
    try {
      return typeBefore.fromBuffer(buffer) as Wire;
    } catch {
      throw error;
    }
  }
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return fail('MR_STORAGE_FAILED', 'a record of the registry holds a text that is not JSON');
  }
};

export const decodeCommit = (bytes: Uint8Array): Commit => {
  const wire = wireOf(bytes);
  return {
    position: wire.position,
    stream: wire.stream,
    version: wire.version,
    command: {
      id: wire.commandId,
      type: wire.command,
      data: parse(wire.data),
      actor: wire.actor,
      ...(wire.principal == null ? {} : { principal: wire.principal }),
      reason: wire.reason,
      time: wire.time,
    },
    refusal:
      wire.refusal === null ? null : { code: wire.refusal.code, message: wire.refusal.message },
    events: wire.events.map((event) => ({ type: event.type, data: parse(event.data) })),
  };
};
