import { execa } from "execa";
import { pythonCandidates } from "../../../src/engine/python/find.ts";

/**
 * The first Python of this machine that has torch; null where there is none. Whether it suits Discern is for the torch backend to
 * say: transformers may be measured all the same.
 */
export async function findPython(): Promise<string | null> {
  const script = "import sys, importlib.util as u; print(sys.executable if u.find_spec('torch') else '')";
  for (const { executable } of await pythonCandidates({})) {
    const found = await execa(executable, ["-c", script], { reject: false });
    const python = found.exitCode === 0 ? found.stdout.trim() : "";
    if (python) return python;
  }
  return null;
}
