import type { ProbeResult } from "../../../src/protocol/probe/result.ts";
import {
  exampleBound,
  exampleDirection,
  exampleInfluence,
  exampleKernel,
} from "../../webview/laboratory/gradientResults.ts";
import { exampleSeparability, exampleTokens } from "../../webview/laboratory/layerResults.ts";
import { exampleCalibration, exampleProjection, exampleRefusal } from "../../webview/laboratory/results.ts";
import type { LookedAt } from "./lookedAt.ts";

const results: readonly (readonly [string, () => ProbeResult])[] = [
  ["refusal", exampleRefusal],
  ["projection", exampleProjection],
  ["calibration", exampleCalibration],
  ["kernel", exampleKernel],
  ["bound", exampleBound],
  ["direction", exampleDirection],
  ["influence", exampleInfluence],
  ["separability", exampleSeparability],
  ["tokens", exampleTokens],
];
export const laboratory: LookedAt = {
  name: "laboratory",
  states: results.map(([name, result]) => ({
    name,
    async show(page) {
      await page.tell({
        type: "result",
        result: result(),
        others: [],
        states: ["untrained"],
        canMeasure: true,
      });
      await page.page.getByRole("heading", { name: result().title }).waitFor();
    },
  })),
};
