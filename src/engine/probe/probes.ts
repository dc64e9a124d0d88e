import { DiscernError } from "../../protocol/errors.ts";
import { bound } from "./bound/bound.ts";
import { calibration } from "./calibration/calibration.ts";
import type { ProbeDefinition } from "./definition.ts";
import { direction } from "./direction/direction.ts";
import { influence } from "./influence/influence.ts";
import { kernelBetweenPrompts } from "./kernel/kernel.ts";
import { projection } from "./projection/projection.ts";
import { refusalByState } from "./refusal/refusalByState.ts";
import { separabilityByLayer } from "./separability/separabilityByLayer.ts";
import { tokenView } from "./tokens/tokenView.ts";

/** What is computed for every contract of `protocol/probe/probes.ts`, in the same order. */
export const probes: readonly ProbeDefinition[] = [
  refusalByState,
  kernelBetweenPrompts,
  projection,
  direction,
  influence,
  separabilityByLayer,
  calibration,
  tokenView,
  bound,
];

/** The probe of an id. @throws DiscernError `request-invalid` that names those there are. */
export function probeOf(id: string): ProbeDefinition {
  const found = probes.find(({ contract }) => contract.id === id);
  if (found !== undefined) return found;
  const known = probes.map(({ contract }) => contract.id).join(", ");
  throw new DiscernError("request-invalid", `There is no probe "${id}". There are: ${known}.`);
}
