/** What another process of this machine has used so far, from /proc (Linux). */
import { readFileSync, writeFileSync } from 'node:fs';

/** Linux reports times of processes in hundredths of a second. */
const TICKS_A_SECOND = 100;
/** Of the fields after the name: user and system time. */
const [USER, SYSTEM] = [11, 12];

/** CPU seconds, of all threads. */
export const cpuSecondsOf = (pid: number): number => {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER]) + Number(fields[SYSTEM])) / TICKS_A_SECOND;
};

const statusOf = (pid: number, field: string): number => {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN) / 1024;
};

/** Resident memory, MiB. */
export const residentOf = (pid: number): number => statusOf(pid, 'VmRSS');

/** The most resident memory since the start, or since `resetPeak`, MiB. */
export const peakOf = (pid: number): number => statusOf(pid, 'VmHWM');

export const resetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');
