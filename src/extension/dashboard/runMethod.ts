import { basename, dirname } from "node:path";
import { isComparison, readPlan } from "../../runFolder/comparison.ts";

/** The method of a run in the comparison whose folder it lies in; null for a run by itself, or where the plan cannot be read. */
export async function methodOf(run: string): Promise<string | null> {
  const folder = dirname(run);
  if (!(await isComparison(folder))) return null;
  const plan = await readPlan(folder).catch(() => null);
  return plan?.cells.find(({ name }) => name === basename(run))?.method ?? null;
}
