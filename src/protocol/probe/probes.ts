import { boundContract } from "./bound.ts";
import { calibrationContract } from "./calibration.ts";
import type { ProbeContract } from "./contract.ts";
import { directionContract } from "./direction.ts";
import { influenceContract } from "./influence.ts";
import { kernelContract } from "./kernel.ts";
import { projectionContract } from "./projection.ts";
import { refusalContract } from "./refusal.ts";
import { separabilityContract } from "./separability.ts";
import { tokensContract } from "./tokens.ts";

/**
 * Every probe, in the order in which they are offered. A new one is a file beside this one and a row here; the same in
 * `engine/probe/probes.ts` for what it computes, and in `webview/laboratory` for its picture.
 */
export const probeContracts = [
  refusalContract,
  kernelContract,
  projectionContract,
  directionContract,
  influenceContract,
  separabilityContract,
  calibrationContract,
  tokensContract,
  boundContract,
] as const satisfies readonly ProbeContract[];

/** The contract of a probe; undefined for an id that none has, such as that of a later version. */
export function probeContract(id: string): ProbeContract | undefined {
  return probeContracts.find((contract) => contract.id === id);
}
