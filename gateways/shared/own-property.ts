/** Sets a property of any name. An assignment to `__proto__` would change the prototype instead. */
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
