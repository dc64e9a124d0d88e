import { readFileSync, writeFileSync } from "node:fs";
import { greatestOf } from "../../statistics/extremes.ts";

/** The most that was held in each stretch between two times at which the system was told to forget earlier peaks. */
const stretches: number[] = [];

/**
 * Begins to watch for the most memory that the process holds. Where the system can be told to forget earlier peaks (Linux), it is that of
 * what follows alone; elsewhere it is that of the process so far. What is watched already keeps what it saw.
 *
 * @returns what says how many bytes that was.
 */
export function watchPeak(): () => number {
  try {
    stretches.push(markOnLinux() ?? 0);
    const begun = stretches.length;
    // Sets the high-water mark back to what is held now (proc(5), clear_refs).
    writeFileSync("/proc/self/clear_refs", "5");
    return () => greatestOf([markOnLinux() ?? peakSoFar(), ...stretches.slice(begun)]);
  } catch {
    return peakSoFar;
  }
}

function markOnLinux(): number | null {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

function peakSoFar(): number {
  return process.resourceUsage().maxRSS * 1024;
}
