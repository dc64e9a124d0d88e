/** What is asked of `Backend.gradientProducts`, held against the model: the same for every backend. */
import { DiscernError } from "../../protocol/errors.ts";
import type { Adapter } from "../model/adapter.ts";
import type { BackendShape, GradientRow, ParameterScope, Scalar } from "./backend.ts";

/** @throws DiscernError("request-invalid") for rows that the model cannot run, or that have no scalar. */
export function checkGradientRows(shape: BackendShape, rows: readonly GradientRow[]): void {
  if (rows.length === 0) throw invalid("Gradients of no rows were asked for.");
  for (const [i, { ids, promptLength, scalar }] of rows.entries()) {
    const length = ids.length + (scalar.type === "edges" ? deepest(scalar) : 0);
    if (ids.length === 0 || length > shape.contextLength) {
      throw invalid(`Row ${i} has ${length} tokens; the model reads 1 to ${shape.contextLength}.`);
    }
    if (scalar.type === "answer-loss" && !(0 < promptLength && promptLength < ids.length)) {
      throw invalid(
        `Row ${i} has ${ids.length} tokens, its answer begins at ${promptLength}: there is no answer to a prompt.`,
      );
    }
    const wrong = fault(shape, scalar);
    if (wrong) throw invalid(`The scalar of row ${i} ${wrong}.`);
  }
}

/** @throws DiscernError("request-invalid") for layers that the model does not have, and a scope of no parameters. */
export function checkGradientScope({ layers, linears }: BackendShape, scope: ParameterScope): void {
  const missing = scope.layers?.find((layer) => !(Number.isInteger(layer) && 0 <= layer && layer < layers));
  if (missing !== undefined) {
    throw invalid(`The scope names layer ${missing}; the model has layers 0 to ${layers - 1}.`);
  }
  if (scope.of === "weights") {
    const inBlocks = scope.parts.some((part) => part === "linears" || part === "biases" || part === "norms");
    const outside = scope.parts.some(
      (part) => part === "final-norm" || part === "embedding" || part === "head",
    );
    if (!outside && !(inBlocks && scope.layers?.length !== 0))
      throw invalid("The scope names no parameters.");
    return;
  }
  for (const [module, { a, b }] of scope.adapter?.modules ?? []) {
    const [, layer, name] = /^model\.layers\.(\d+)\.(.+)$/.exec(module) ?? [];
    const linear = linears.find((each) => each.name === name);
    const fits =
      linear !== undefined &&
      Number(layer) < layers &&
      a.shape[1] === linear.inFeatures &&
      b.shape[0] === linear.outFeatures &&
      a.shape[0] === b.shape[1];
    if (!fits) {
      throw invalid(
        `The adapter has A [${a.shape.join(", ")}] and B [${b.shape.join(", ")}] for "${module}", which is no linear module of the model of that shape.`,
      );
    }
  }
}

/** @throws DiscernError("request-invalid") for an adapter without modules in the scope. */
export function checkAdapterScope({ modules }: Adapter, { layers }: ParameterScope): void {
  if (modules.size === 0) {
    throw invalid("The scope is the model's adapter, and it has none. Name one, or measure its weights.");
  }
  const isIn = (module: string) =>
    layers?.includes(Number(/^model\.layers\.(\d+)\./.exec(module)?.[1])) ?? true;
  if (![...modules.keys()].some(isIn)) throw noModules();
}

/** What is thrown where an adapter's modules are all in other layers. */
export function noModules(): DiscernError {
  return invalid("The adapter has no modules in the layers of the scope.");
}

function fault({ vocabularySize }: BackendShape, scalar: Scalar): string | null {
  const unknown = (tokens: readonly number[]) =>
    tokens.find((token) => !(Number.isInteger(token) && 0 <= token && token < vocabularySize));
  switch (scalar.type) {
    case "answer-loss":
      return null;
    case "all-logits":
      return scalar.weights.length === vocabularySize
        ? null
        : `has ${scalar.weights.length} weights for ${vocabularySize} logits`;
    case "logits": {
      const { tokens, weights } = scalar;
      if (tokens.length === 0 || tokens.length !== weights.length) {
        return `has ${weights.length} weights for ${tokens.length} tokens`;
      }
      const token = unknown(tokens);
      return token === undefined ? null : `names token ${token}; there are ${vocabularySize}`;
    }
    case "edges": {
      const { trie, weights } = scalar;
      if (trie.edges.length === 0 || trie.edges.length !== weights.length) {
        return `has ${weights.length} weights for ${trie.edges.length} edges`;
      }
      const token = unknown([...trie.edges, ...trie.nodes].map((each) => each.token));
      return token === undefined ? null : `names token ${token}; there are ${vocabularySize}`;
    }
  }
}

function deepest({ trie }: Extract<Scalar, { type: "edges" }>): number {
  return trie.nodes.reduce((most, { depth }) => Math.max(most, depth), 0);
}

const invalid = (message: string) => new DiscernError("request-invalid", message);
