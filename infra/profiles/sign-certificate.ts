/** Signs the certificate of an erasure: with an Ed25519 key in PEM, else by HMAC with the bytes. */
import { createHmac, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ErasureCertificate, SignedCertificate } from '#domain/erasure/certificate.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail } from '#domain/errors.ts';

const LEAST_SECRET = 16;

const signatureOf = (text: string, keyFile: string): SignedCertificate['signature'] => {
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
    const value = sign(null, Buffer.from(text), signing).toString('base64');
    return { algorithm: 'Ed25519', value };
  }
  const secret = key.toString('utf8').trim();
  if (secret.length < LEAST_SECRET)
    fail(
      'MR_REFUSED',
      `the secret in "${keyFile}" has ${secret.length} characters: give at least ${LEAST_SECRET}`,
    );
  const value = createHmac('sha256', secret).update(text).digest('base64');
  return { algorithm: 'HMAC-SHA256', value };
};

export const signCertificate = (
  certificate: ErasureCertificate,
  keyFile: string | null,
): SignedCertificate => ({
  certificate,
  signature: keyFile === null ? null : signatureOf(JSON.stringify(certificate), keyFile),
});
