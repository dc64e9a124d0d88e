import { readFileSync, writeFileSync } from "node:fs";

/**
 * Begins to watch for the most memory that the process holds. Where the system can be told to forget earlier peaks (Linux), it is that of
 * what follows alone; elsewhere it is that of the process so far.
 *
 * @returns what says how many bytes that was.
 */
export function watchPeak(): () => number {
  try {
    // Sets the high-water mark back to what is held now (proc(5), clear_refs).
    writeFileSync("/proc/self/clear_refs", "5");
    markOnLinux();
    return () => markOnLinux() ?? peakSoFar();
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
