import { openBackend } from "../../../src/engine/backend/open.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { conformance } from "./conformance.ts";

for (const memory of ["keep", "recompute"] as const) {
  conformance(`onnx (${memory})`, async (folder) => {
    const { backend } = await openBackend({ device: "cpu", threads: 1, memory }, await loadModel(folder));
    return backend;
  });
}
