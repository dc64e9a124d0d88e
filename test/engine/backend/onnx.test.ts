import { openBackend } from "../../../src/engine/backend/open.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { conformance } from "./conformance.ts";

conformance("onnx", async (folder) => {
  const { backend } = await openBackend({ device: "cpu", threads: 1 }, () => loadModel(folder));
  return backend;
});
