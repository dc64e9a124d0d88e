import { DiscernError } from "../../protocol/errors.ts";
import type { BackendShape } from "./backend.ts";
import type { Action, Intervention, Positions, Site, Tap } from "./interventions.ts";

type Extents = Pick<BackendShape, "layers" | "hiddenSize" | "linears">;

/**
 * Holds interventions against a model and the prompts of a call before anything is computed.
 *
 * @throws DiscernError("request-invalid") for a layer or module that the model does not have; for a vector of another
 *   length, with a value that is not finite, or without a direction; for positions or scales that are not one a prompt.
 */
export function checkInterventions(
  model: Extents,
  interventions: readonly Intervention[],
  prompts: number,
): void {
  for (const [i, { site, positions, action, scale }] of interventions.entries()) {
    const what = `Intervention ${i + 1} (${site.at})`;
    const width = widthAt(model, site, what);
    for (const vector of vectorsOf(action)) {
      if (vector.length !== width) {
        throw invalid(
          `${what}: its vector has ${vector.length} values, and activations there have ${width}.`,
        );
      }
      if (!vector.every(Number.isFinite))
        throw invalid(`${what}: its vector holds values that are not finite.`);
    }
    if (action.type === "ablate" && action.direction.every((x) => x === 0)) {
      throw invalid(`${what}: the direction to ablate is zero.`);
    }
    checkPositions(positions, prompts, what);
    if (scale && scale.length !== prompts) {
      throw invalid(`${what}: it has ${scale.length} scales for ${prompts} prompts.`);
    }
    if (scale && !scale.every(Number.isFinite)) {
      throw invalid(`${what}: its scales hold values that are not finite.`);
    }
  }
}

/**
 * Holds taps against a model and the examples of a call.
 *
 * @throws DiscernError("request-invalid") for a layer or module that the model does not have, and for positions that are
 *   not one an example.
 */
export function checkTaps(model: Extents, taps: readonly Tap[], examples: number): void {
  for (const [i, { site, positions }] of taps.entries()) {
    const what = `Tap ${i + 1} (${site.at})`;
    widthAt(model, site, what);
    checkPositions(positions, examples, what);
  }
}

function vectorsOf(action: Action): Float32Array[] {
  if (action.type === "project") return [action.read, action.write];
  return [action.type === "ablate" ? action.direction : action.vector];
}

function checkPositions(positions: Positions, prompts: number, what: string): void {
  if (typeof positions === "string") return;
  const { from } = positions;
  if (from.length !== prompts) {
    throw invalid(`${what}: it has ${from.length} first positions for ${prompts} prompts.`);
  }
  const wrong = from.find((position) => !(Number.isInteger(position) && position >= 0));
  if (wrong !== undefined) throw invalid(`${what}: the position ${wrong} is not a whole number from 0.`);
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
