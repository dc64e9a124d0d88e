import { readFileSync } from "node:fs";

/** Flags of processors that decide how fast products are, as Linux names them, and what they are called. */
const features = {
  avx2: "AVX2",
  avx512f: "AVX-512",
  avx512_vnni: "AVX-512 VNNI",
  avx512_bf16: "AVX-512 BF16",
  amx_tile: "AMX",
  amx_bf16: "AMX BF16",
  asimd: "NEON",
  sve: "SVE",
  bf16: "BF16",
  i8mm: "I8MM",
} as const;

/** Names of what a processor has for products; null where that cannot be read, as outside Linux. */
export function processorFeatures(cpuinfo: string | null = read()): string[] | null {
  const flags = flagsIn(cpuinfo);
  return flags && Object.entries(features).flatMap(([flag, name]) => (flags.has(flag) ? [name] : []));
}

/** Flags by which Linux names units for bfloat16 products: AVX-512 BF16, AMX, and those of ARM. */
const bfloat16Flags = new Set(["avx512_bf16", "amx_bf16", "bf16"]);

/**
 * Whether this processor has units for bfloat16 products; null where that cannot be read, as outside Linux. Cheaper than asking a Python,
 * which takes seconds to import PyTorch.
 */
export function hasBfloat16(cpuinfo: string | null = read()): boolean | null {
  const flags = flagsIn(cpuinfo);
  return flags && [...bfloat16Flags].some((flag) => flags.has(flag));
}

function flagsIn(cpuinfo: string | null): Set<string> | null {
  const flags = cpuinfo === null ? null : /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1];
  return flags == null ? null : new Set(flags.split(/\s+/));
}

function read(): string | null {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return null;
  }
}
