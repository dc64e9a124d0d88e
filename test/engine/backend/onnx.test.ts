import { openBackend } from "../../../src/engine/backend/open.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { conformance } from "./conformance.ts";
import { conformanceOfGradients } from "./gradients.ts";

for (const memory of ["keep", "recompute"] as const) {
  const open = async (folder: string) => {
    const { backend } = await openBackend({ device: "cpu", threads: 1, memory }, await loadModel(folder));
    return backend;
  };
  conformance(`onnx (${memory})`, open);
  conformanceOfGradients(`onnx (${memory})`, open, memory === "keep" ? undefined : ["llama", "gemma2"]);
}
