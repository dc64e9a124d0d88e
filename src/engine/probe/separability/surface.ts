import type { Features } from "../../backend/backend.ts";

/** Buckets into which n-grams are hashed. */
const width = 2048;
/** Lengths of the n-grams, in characters. */
const [shortest, longest] = [2, 4];

/**
 * What of a prompt is seen without understanding it: counts of its character n-grams (n = 2 … 4, lower case, white space
 * as one space), hashed into 2,048 buckets; (n, 2048). Sources and styles differ in them, so a probe on them is the
 * control of a probe on a model's features.
 */
export function surfaceFeatures(prompts: readonly string[]): Features {
  const data = new Float32Array(prompts.length * width);
  for (const [row, prompt] of prompts.entries()) {
    const characters = [...prompt.toLowerCase().replace(/\s+/gu, " ").trim()];
    for (let start = 0; start < characters.length; start++) {
      let hash = 0x811c9dc5;
      for (let n = 1; n <= longest && start + n <= characters.length; n++) {
        // FNV-1a over code points.
        hash = Math.imul(hash ^ (characters[start + n - 1].codePointAt(0) as number), 0x01000193);
        if (n >= shortest) data[row * width + ((hash >>> 0) % width)] += 1;
      }
    }
  }
  return { count: prompts.length, width, data };
}
