/** The oldest Node.js that the engine runs on, as `engines.node` of package.json. */
export const oldestNode = "22.15";

/** Why the engine cannot run on this version of Node.js (`22.15.0`), and what to do; null where it can. */
export function nodeTooOld(version: string): string | null {
  const parts = (text: string) => text.split(".").map(Number) as [number, number];
  const [major, minor] = parts(version);
  const [oldestMajor, oldestMinor] = parts(oldestNode);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null;
  return (
    `Discern needs Node.js ${oldestNode} or newer; this is ${version} (${process.execPath}). ` +
    "Install a newer one. In a clone of Discern, `npx node dist/cli.js` takes the one that `npm ci` installed."
  );
}
