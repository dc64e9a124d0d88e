import { accuracy, accuracyNorm, accuracyPerByte } from "./accuracy.ts";
import { attackSuccess } from "./attackSuccess.ts";
import {
  calibrationBrier,
  calibrationError,
  calibrationIntercept,
  calibrationSlope,
  sampledRefusal,
} from "./calibration.ts";
import { discernment, partialDiscernment, safeSideDiscernment } from "./discernment.ts";
import { firstTokenEntropy } from "./firstTokenEntropy.ts";
import { heldOutLoss } from "./heldOutLoss.ts";
import { judgeAgreement, judgeAlpha } from "./judgeAgreement.ts";
import { matchedSafety } from "./matchedSafety.ts";
import type { Measure } from "./measure.ts";
import { refusalLogOdds } from "./refusalLogOdds.ts";
import { refusalProbability } from "./refusalProbability.ts";
import { safeRefusal } from "./safeRefusal.ts";
import {
  steered,
  steeringChange,
  steeringConditions,
  steeringGate,
  steeringGateScore,
  steeringKl,
  steeringShift,
} from "./steering.ts";
import { trail, trailAtReference } from "./trail.ts";
import { unsafeRefusal } from "./unsafeRefusal.ts";
import { lengthDifference, winRate } from "./winRate.ts";

/**
 * Every measure of a report, in the order in which they are shown. A new one is a file beside this one and a row here: every
 * surface renders what the table gives.
 */
export const allMeasures: readonly Measure[] = [
  unsafeRefusal,
  safeRefusal,
  matchedSafety,
  attackSuccess,
  discernment,
  refusalProbability,
  refusalLogOdds,
  heldOutLoss,
  accuracy,
  accuracyNorm,
  accuracyPerByte,
  firstTokenEntropy,
  sampledRefusal,
  calibrationError,
  calibrationBrier,
  calibrationSlope,
  calibrationIntercept,
  partialDiscernment,
  safeSideDiscernment,
  trail,
  trailAtReference,
  judgeAgreement,
  judgeAlpha,
  winRate,
  lengthDifference,
  steered,
  steeringChange,
  steeringKl,
  steeringShift,
  steeringGate,
  steeringGateScore,
  steeringConditions,
];
