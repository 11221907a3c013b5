import { createHash } from 'node:crypto';

/** What is stored of a key's secret: SHA-256, hexadecimal. The secret itself is random. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
