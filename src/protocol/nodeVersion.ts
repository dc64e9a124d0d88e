/** The oldest Node.js that runs the engine: major and minor, as in `engines.node` of package.json. */
export const oldestNode = [22, 15] as const;

/** Whether a Node.js runs the engine, by what it prints for `--version`; null where that is no version. */
export function runsEngine(printed: string): boolean | null {
  const [, major, minor] = /^v(\d+)\.(\d+)\./m.exec(printed)?.map(Number) ?? [];
  if (major === undefined || minor === undefined) return null;
  const [oldestMajor, oldestMinor] = oldestNode;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
