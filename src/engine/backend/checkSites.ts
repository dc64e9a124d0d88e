import { DiscernError } from "../../protocol/errors.ts";
import type { BackendShape } from "./backend.ts";
import type { Intervention, Site, Tap } from "./interventions.ts";

type Extents = Pick<BackendShape, "layers" | "hiddenSize" | "linears">;

/**
 * Holds interventions against a model before anything is computed.
 *
 * @throws DiscernError("request-invalid") for a layer or module that the model does not have, and for a vector of another
 *   length, with a value that is not finite, or without a direction.
 */
export function checkInterventions(model: Extents, interventions: readonly Intervention[]): void {
  for (const [i, { site, action }] of interventions.entries()) {
    const what = `Intervention ${i + 1} (${site.at})`;
    const width = widthAt(model, site, what);
    const vector = action.type === "ablate" ? action.direction : action.vector;
    if (vector.length !== width) {
      throw invalid(`${what}: its vector has ${vector.length} values, and activations there have ${width}.`);
    }
    if (!vector.every(Number.isFinite))
      throw invalid(`${what}: its vector holds values that are not finite.`);
    if (action.type === "ablate" && vector.every((x) => x === 0)) {
      throw invalid(`${what}: the direction to ablate is zero.`);
    }
  }
}

/**
 * Holds taps against a model.
 *
 * @throws DiscernError("request-invalid") for a layer or module that the model does not have.
 */
export function checkTaps(model: Extents, taps: readonly Tap[]): void {
  for (const [i, { site }] of taps.entries()) widthAt(model, site, `Tap ${i + 1} (${site.at})`);
}

/** Features of an activation at a site. */
function widthAt({ layers, hiddenSize, linears }: Extents, site: Site, what: string): number {
  const beyond = site.layers.find((layer) => !(Number.isInteger(layer) && 0 <= layer && layer < layers));
  if (beyond !== undefined) {
    throw invalid(`${what}: layer ${beyond} does not exist; the model has layers 0 to ${layers - 1}.`);
  }
  if (!("module" in site)) return hiddenSize;
  const linear = linears.find(({ name }) => name === site.module);
  if (!linear) {
    const known = linears.map(({ name }) => name).join(", ");
    throw invalid(`${what}: the module "${site.module}" does not exist; a block of the model has ${known}.`);
  }
  return site.at === "linear-input" ? linear.inFeatures : linear.outFeatures;
}

function invalid(message: string): DiscernError {
  return new DiscernError("request-invalid", message);
}
