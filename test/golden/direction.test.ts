import { openBackend } from "../../src/engine/backend/open.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { goldenDirection } from "./direction.ts";

goldenDirection("onnx", async (folder) => {
  const { backend } = await openBackend({ device: "cpu", threads: 1 }, await loadModel(folder));
  return backend;
});
