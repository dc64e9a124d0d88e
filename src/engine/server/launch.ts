/**
 * glibc's allocator as a training process wants it. Graph sessions run without onnxruntime's arena, which keeps peak
 * memory a third lower; but glibc would then map and unmap hundreds of megabytes in every step, and on virtual machines
 * each page costs dearly to map again. With these settings it keeps what it was given. They are read once, when a
 * process starts, so they must be in its environment by then.
 */
export const allocator: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "4294967296",
  MALLOC_TOP_PAD_: "67108864",
  MALLOC_TRIM_THRESHOLD_: "17179869184",
};

/**
 * Puts the allocator's settings into the environment and begins this process anew in its own place: same id, same
 * arguments, same terminal. Does nothing where they are there already, or off Linux, where nobody reads them. What the
 * user has set stays.
 */
export function relaunch(): void {
  const missing = Object.keys(allocator).some((name) => process.env[name] === undefined);
  if (process.platform !== "linux" || !missing || process.execve === undefined) return;
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    ...allocator,
    ...process.env,
  });
}
