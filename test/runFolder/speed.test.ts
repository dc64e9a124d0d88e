import { expect, test } from "vitest";
import { EventLog } from "../../src/runFolder/eventLog.ts";
import { runPaths } from "../../src/runFolder/folder.ts";
import { measuredSpeed } from "../../src/runFolder/speed.ts";
import { tempFolder } from "../tempFolder.ts";

test("the speed of a run is that of its steps by kind, without those that compiled graphs", async () => {
  const folder = tempFolder();
  const { log } = EventLog.open(runPaths(folder).events);
  const stage = (index: number, kind: "contrastive" | "supervised", seconds: number) => {
    log.append({ type: "stage-started", stage: index, kind, steps: 5 });
    for (let step = 1; step <= 5; step++) {
      log.append({
        type: "step",
        stage: index,
        step,
        globalStep: index * 5 + step,
        loss: 1,
        learningRate: 1e-3,
        gradientNorm: 1,
        tokens: 100,
        seconds: step <= 3 ? 60 : seconds,
      });
    }
  };
  stage(0, "contrastive", 0.5);
  stage(1, "supervised", 2);
  log.close();
  expect(await measuredSpeed(folder)).toEqual({ contrastive: 200, supervised: 50 });
  expect(await measuredSpeed(tempFolder())).toEqual({});
});
