/** One line on a terminal, which the next one replaces; nothing elsewhere. */
export const progressLine = (): {
  readonly show: (what: string) => void;
  readonly end: () => void;
} => {
  const { stderr } = process;
  if (!stderr.isTTY) return { show: () => {}, end: () => {} };
  const clear = '\r\u001b[2K';
  return {
    show: (what) => void stderr.write(`${clear}${what}`),
    end: () => void stderr.write(clear),
  };
};
