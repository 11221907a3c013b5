/** The servers that the stack tests' global set-up started. */
import type { StackAddresses } from '#infra/stack/addresses.ts';

export const addresses = (): StackAddresses => {
  const text = process.env.MILLRACE_STACK;
  if (text === undefined)
    throw new Error('no stack is running for these tests: start them with npm run test:stack');
  return JSON.parse(text) as StackAddresses;
};
