import project from "../../../package.json" with { type: "json" };

/** Versions of what computes, as a run's manifest records them. */
export function versions(): Record<string, string> {
  return {
    discern: project.version,
    node: process.versions.node,
    "onnxruntime-node": project.dependencies["onnxruntime-node"],
    tokenizers: project.dependencies.tokenizers,
  };
}
