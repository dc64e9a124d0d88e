import { boundContract } from "../../protocol/probe/bound.ts";
import { calibrationContract } from "../../protocol/probe/calibration.ts";
import type { ProbeContract } from "../../protocol/probe/contract.ts";
import { directionContract } from "../../protocol/probe/direction.ts";
import { influenceContract } from "../../protocol/probe/influence.ts";
import { kernelContract } from "../../protocol/probe/kernel.ts";
import { projectionContract } from "../../protocol/probe/projection.ts";
import { refusalContract } from "../../protocol/probe/refusal.ts";
import { separabilityContract } from "../../protocol/probe/separability.ts";
import { tokensContract } from "../../protocol/probe/tokens.ts";
import { Bound } from "./bound.tsx";
import { Calibration } from "./calibration.tsx";
import { Direction } from "./direction.tsx";
import type { Figure } from "./figure.ts";
import { Influence } from "./influence.tsx";
import { Kernel } from "./kernel.tsx";
import { Projection } from "./projection.tsx";
import { Refusal } from "./refusal.tsx";
import { Separability } from "./separability.tsx";
import { TokenView } from "./tokenView.tsx";

/** The figure of every probe, by its id. */
const figures = new Map([
  row(refusalContract, Refusal),
  row(kernelContract, Kernel),
  row(boundContract, Bound),
  row(directionContract, Direction),
  row(influenceContract, Influence),
  row(projectionContract, Projection),
  row(calibrationContract, Calibration),
  row(separabilityContract, Separability),
  row(tokensContract, TokenView),
]);

/** The figure of a probe; undefined for one that this version does not know. */
export function figureOf(probe: string): Figure<ProbeContract> | undefined {
  return figures.get(probe);
}

function row<C extends ProbeContract>({ id }: C, figure: Figure<C>): [string, Figure<ProbeContract>] {
  // A result was checked by the schema of the id that its figure stands under.
  return [id, figure as Figure<ProbeContract>];
}
