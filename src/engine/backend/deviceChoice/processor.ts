import { readFileSync } from "node:fs";

/** Flags by which Linux names units for bfloat16 products: AVX-512 BF16, AMX, and those of ARM. */
const bfloat16Flags = new Set(["avx512_bf16", "amx_bf16", "bf16"]);

/**
 * Whether this processor has units for bfloat16 products; null where that cannot be read, as outside Linux. Cheaper than asking a Python,
 * which takes seconds to import PyTorch.
 */
export function hasBfloat16(cpuinfo: string | null = read()): boolean | null {
  const flags = cpuinfo === null ? null : /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1];
  return flags == null ? null : flags.split(/\s+/).some((flag) => bfloat16Flags.has(flag));
}

function read(): string | null {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return null;
  }
}
