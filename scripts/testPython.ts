/**
 * Prints the Python that the tests of the PyTorch backend are to use: the one that `DISCERN_PYTHON` names, else the first of this machine
 * that has PyTorch, transformers and peft, else one that is made in Discern's cache, where disk and three minutes suffice. Prints nothing,
 * and why on stderr, where there is none; the tests then skip.
 */
import { join } from "node:path";
import { makeEnvironment, planEnvironment } from "../src/engine/python/environment.ts";
import { findPythons } from "../src/engine/python/find.ts";
import { isUsable } from "../src/protocol/python.ts";

/** Milliseconds for an installation. */
const limit = 180_000;

async function testPython(): Promise<string> {
  if (process.env.DISCERN_PYTHON) return process.env.DISCERN_PYTHON;
  const found = (await findPythons()).find((each) => isUsable(each) && each.facts.packages.peft);
  if (found) return found.executable;
  const plan = await planEnvironment({
    further: join(import.meta.dirname, "../test/bench/peer/requirements.txt"),
  });
  const signal = AbortSignal.timeout(limit);
  return (await makeEnvironment(plan, { signal })).executable;
}

try {
  process.stdout.write(`${await testPython()}\n`);
} catch (error) {
  console.error(`Skipped: tests of the PyTorch backend, for want of a Python: ${(error as Error).message}`);
}
