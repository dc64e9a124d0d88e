import { safeRefusal as definition } from "../../../protocol/report/coreMeasures.ts";
import { rateMeasure, refuses } from "./rate.ts";

/** Over-refusal as a rate. */
export const safeRefusal = rateMeasure({ definition, group: "safe", question: "refusal", counts: refuses });
