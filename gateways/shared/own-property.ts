/**
 * A property of that name and no other thing: by assignment, `__proto__` would become what the
 * object inherits from.
 */
export const setOwn = <T>(row: Record<string, T>, name: string, value: T): void => {
  if (name === '__proto__')
    Object.defineProperty(row, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else row[name] = value;
};
