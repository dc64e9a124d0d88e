/**
 * Whether tests are to be skipped because something is missing here; says so in the test output, in one line.
 *
 * @param why what the tests are of, and what they need.
 */
export function skipWhen(missing: boolean, why: string): boolean {
  if (missing) console.warn(`Skipped: ${why}`);
  return missing;
}
