/**
 * Signatures of audit records, Ed25519. A record's signature covers its number and its hash, and so
 * also all records before it. The secret is any text that only the platform has. The public key
 * follows from it; it verifies, and cannot sign.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import type { AuditHead } from '#domain/api/audit.ts';
import { fail } from '#domain/errors.ts';

export interface AuditSigner {
  /** 32 bytes in base64url */
  readonly publicKey: string;
  /** @returns base64url */
  readonly sign: (head: AuditHead) => string;
}

/** PKCS 8 of an Ed25519 key, up to its 32 bytes. */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Texts of other uses of the secret, such as lines of the anchor and certificates of erasures,
 * never begin like this.
 */
const signedText = ({ sequence, hash }: AuditHead): Buffer =>
  Buffer.from(`millrace audit record\n${sequence}\n${hash}`);

export const signingKeyOf = (secret: Uint8Array): KeyObject => {
  const seed = createHash('sha256').update('millrace audit signing key\n').update(secret).digest();
  return createPrivateKey({
    key: Buffer.concat([PRIVATE_HEAD, seed]),
    format: 'der',
    type: 'pkcs8',
  });
};

export const auditSigner = (secret: Uint8Array): AuditSigner => {
  const key = signingKeyOf(secret);
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return {
    publicKey: x as string,
    sign: (head) => sign(null, signedText(head), key).toString('base64url'),
  };
};

/** @throws MR_PARAMETER_INVALID */
const publicKeyOf = (text: string): KeyObject => {
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' });
  } catch {
    return fail(
      'MR_PARAMETER_INVALID',
      `${JSON.stringify(text)} is not the public key of an audit log: \`millrace audit key\` prints it`,
      { parameter: 'publicKey', value: text },
    );
  }
};

export type IsSigned = (head: AuditHead, signature: string) => boolean;

/** Whether a record is signed with one of the keys. */
export const signedWith = (publicKeys: readonly string[]): IsSigned => {
  const keys = publicKeys.map(publicKeyOf);
  return (head, signature) =>
    keys.some((key) => verify(null, signedText(head), key, Buffer.from(signature, 'base64url')));
};
