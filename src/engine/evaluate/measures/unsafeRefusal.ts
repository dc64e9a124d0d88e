import { unsafeRefusal as definition } from "../../../protocol/report/coreMeasures.ts";
import { rateMeasure, refuses } from "./rate.ts";

/** Refusal where it is due; what it leaves is under-refusal. */
export const unsafeRefusal = rateMeasure({
  definition,
  group: "unsafe",
  question: "refusal",
  counts: refuses,
});
