/**
 * Signs the certificate of an erasure: with the key that signs audit records, an Ed25519 key in
 * PEM, or by HMAC with a secret.
 */
import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ErasureCertificate, SignedCertificate } from '#domain/erasure/certificate.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';
import { signingKeyOf } from '#projections/audit/signatures.ts';

const LEAST_SECRET = 16;

export type Signer = (text: string) => SignedCertificate['signature'];

const ed25519 =
  (key: KeyObject): Signer =>
  (text) => ({
    algorithm: 'Ed25519',
    value: sign(null, Buffer.from(text), key).toString('base64'),
  });

/** @param auditKey its public key is that of the audit log; absent: nothing is signed */
export const auditKeySigner = (auditKey: Uint8Array | undefined): Signer | null =>
  auditKey === undefined ? null : ed25519(signingKeyOf(auditKey));

/** @throws MR_NOT_FOUND, MR_REFUSED where the file has no key that can sign */
export const signerOf = (keyFile: string): Signer => {
  let key: Buffer;
  try {
    key = readFileSync(keyFile);
  } catch (error) {
    return fail('MR_NOT_FOUND', `the key file "${keyFile}" cannot be read: ${messageOf(error)}`);
  }
  if (key.includes('-----BEGIN')) {
    const signing = createPrivateKey(key);
    if (signing.asymmetricKeyType !== 'ed25519')
      fail(
        'MR_REFUSED',
        `the key in "${keyFile}" is of type ${signing.asymmetricKeyType}: give a private key of type ed25519 in PEM, or a file with a secret`,
      );
    return ed25519(signing);
  }
  const secret = key.toString('utf8').trim();
  if (secret.length < LEAST_SECRET)
    fail(
      'MR_REFUSED',
      `the secret in "${keyFile}" has ${secret.length} characters: give at least ${LEAST_SECRET}`,
    );
  return (text) => ({
    algorithm: 'HMAC-SHA256',
    value: createHmac('sha256', secret).update(text).digest('base64'),
  });
};

export const signCertificate = (
  certificate: ErasureCertificate,
  signer: Signer | null,
): SignedCertificate => ({
  certificate,
  signature: signer === null ? null : signer(JSON.stringify(certificate)),
});
