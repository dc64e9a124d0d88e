import type { Steering } from "../../protocol/steering.ts";
import { leastOf } from "../../statistics/extremes.ts";
import { normal, stream } from "../../statistics/random.ts";
import type { Action, Intervention } from "../backend/interventions.ts";
import { dot, norm, unit, type Vector } from "./vectors.ts";

/**
 * The interventions of a method's control: each vector is replaced by a Gaussian one of its length, orthogonal to it, at the same sites
 * and under the same gate. One vector has one replacement, wherever it stands.
 *
 * - `random`: directions are replaced where they are read, too. In C dimensions such an ablation takes away about 1/C of ‖x‖².
 * - `matched`: an ablation reads the direction and takes as much away along the random one, so that the change is as large as the
 *   method's. Where the sub-blocks' outputs are ablated nothing is left of the direction at later block inputs; what the control
 *   reads would stay there, so it acts at the first of them alone.
 *
 * @param control absent for the method itself.
 */
export function controlled(
  interventions: readonly Intervention[],
  control: Steering["control"],
): readonly Intervention[] {
  if (control === undefined) return interventions;
  const replacements = new Map<string, Float32Array>();
  const replacementOf = (vector: Float32Array): Float32Array => {
    const key = [...unit(vector)].map((x) => x.toPrecision(6)).join(" ");
    const known = replacements.get(key) ?? orthogonal(vector, control.seed, replacements.size);
    replacements.set(key, known);
    return known;
  };
  return interventions.map((one) => {
    const action = replaced(one.action, control.type, replacementOf);
    return control.type === "matched"
      ? { ...one, site: matchedSite(one, interventions), action }
      : { ...one, action };
  });
}

/** @param replacementOf a vector of length one for each vector. */
function replaced(
  action: Action,
  type: "random" | "matched",
  replacementOf: (vector: Float32Array) => Float32Array,
): Action {
  switch (action.type) {
    case "add":
      return { type: "add", vector: scaled(replacementOf(action.vector), norm(action.vector)) };
    case "ablate": {
      const { direction } = action;
      const random = replacementOf(direction);
      if (type === "random") return { type: "ablate", direction: random };
      return {
        type: "project",
        of: "self",
        read: Float32Array.from(unit(direction)),
        write: scaled(random, -1),
      };
    }
    case "project": {
      const { read, write, of } = action;
      const random = replacementOf(write);
      const isAblation = isAblating(action);
      return {
        ...{ type: "project", of },
        // A part of an ablation reads and writes one direction; any other reads what decides how much is written.
        read: isAblation && type === "random" ? scaled(random, norm(read)) : read,
        write: scaled(random, isAblation ? -norm(write) : norm(write)),
      };
    }
  }
}

/** Whether an action takes (a share of) a direction away from what it acts on. */
function isAblating(action: Action): boolean {
  if (action.type === "ablate") return true;
  if (action.type !== "project" || action.of !== "self") return false;
  return dot(unit(action.read), unit(action.write)) < -1 + 1e-5;
}

/** The site of an intervention in a matched control: the first block input of an ablation of all that blocks write. */
function matchedSite({ site, action }: Intervention, all: readonly Intervention[]): Intervention["site"] {
  const writes = ["attention-output", "mlp-output"] as const;
  const isWhole = writes.every((at) =>
    all.some((other) => other.site.at === at && isAblating(other.action) && isSame(other.action, action)),
  );
  if (site.at !== "block-input" || !isAblating(action) || !isWhole) return site;
  return { ...site, layers: [leastOf(site.layers)] };
}

function isSame(a: Action, b: Action): boolean {
  const direction = (action: Action) =>
    action.type === "ablate" ? action.direction : action.type === "add" ? action.vector : action.read;
  return Math.abs(dot(unit(direction(a)), unit(direction(b)))) > 1 - 1e-5;
}

/** A Gaussian vector orthogonal to another, of length one. */
function orthogonal(vector: Float32Array, seed: number, index: number): Float32Array {
  const direction = unit(vector);
  const drawn = normal(vector.length, stream(seed, "steering control", index));
  const along = dot(drawn, direction);
  return Float32Array.from(unit(drawn.map((x, i) => x - along * direction[i]!)));
}

function scaled(vector: Vector, factor: number): Float32Array {
  return Float32Array.from(vector, (x) => factor * x);
}
