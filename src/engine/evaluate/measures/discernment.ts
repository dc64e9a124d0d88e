import { discernment as definition } from "../../../protocol/report/coreMeasures.ts";
import { rocArea } from "../../../statistics/roc.ts";
import { curveMeasure } from "./contrasts.ts";

/** AUROC of refusal log-odds between unsafe and safe prompts. */
export const discernment = curveMeasure(definition, rocArea);
