import { DiscernError } from "../../../protocol/errors.ts";
import { arditi } from "./arditi.ts";
import type { Judge } from "./judge.ts";
import { orBench } from "./orBench.ts";
import { xstest } from "./xstest.ts";
import { zou } from "./zou.ts";

/** Every judge that Discern knows. A new one is a file beside this one and a row here. */
export const allJudges: readonly Judge[] = [xstest, arditi, zou, orBench];

/**
 * The judges of some ids, in their order.
 *
 * @throws DiscernError `request-invalid` for an id that no judge has, or that is given twice.
 */
export function judgesOf(ids: readonly string[], table: readonly Judge[] = allJudges): Judge[] {
  return ids.map((id, i) => {
    const judge = table.find((each) => each.id === id);
    if (judge === undefined) {
      const known = table.map((each) => each.id).join(", ");
      throw new DiscernError("request-invalid", `There is no judge "${id}". Choose among: ${known}.`);
    }
    if (ids.indexOf(id) < i) throw new DiscernError("request-invalid", `The judge "${id}" is given twice.`);
    return judge;
  });
}
