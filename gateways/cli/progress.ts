/**
 * A progress line on stderr. On a terminal it is replaced a few times a second; otherwise a new
 * line is written every few seconds.
 */
import { terminalText } from './terminal-text.ts';

interface Progress {
  update(text: string): void;
  /** Removes the progress line, and writes the last text if there is one. */
  end(text?: string): void;
}

const TERMINAL_MS = 200;
const PLAIN_MS = 5_000;

export const createProgress = (): Progress => {
  const terminal = process.stderr.isTTY === true;
  let last = Date.now();
  let shown = false;
  return {
    update(raw) {
      const text = terminalText(raw);
      const now = Date.now();
      if (now - last < (terminal ? TERMINAL_MS : PLAIN_MS)) return;
      last = now;
      shown = true;
      process.stderr.write(terminal ? `\r\x1b[K${text}` : `${text}\n`);
    },
    end(text) {
      if (terminal && shown) process.stderr.write('\r\x1b[K');
      if (text !== undefined) process.stderr.write(`${terminalText(text)}\n`);
    },
  };
};

const CELLS = 30;
export const bar = (share: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, share)) * CELLS);
  return `[${'█'.repeat(full)}${'·'.repeat(CELLS - full)}] ${Math.floor(share * 100)} %`;
};
