import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { loadCheckpoint } from "../../../src/engine/run/checkpoint.ts";
import { runPipeline } from "../../../src/engine/run/pipeline.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { timeline } from "../../../src/protocol/timeline.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { skipWhen } from "../../skip.ts";
import { quadraticWorkshop } from "./quadratic.ts";

const mount = await mkdtemp(join(tmpdir(), "discern-disk-"));
const mounted = await execa("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", mount], { reject: false });
const missing = skipWhen(mounted.failed, "a full disk: this user may not mount a tmpfs.");

test.skipIf(missing)("a full disk stops the run and leaves the checkpoint before intact", async () => {
  try {
    const size = 50_000; // a checkpoint of 400 kB
    const options = {
      folder: mount,
      probeEvery: 5,
      checkpoint: { every: 4, keep: 2, best: true },
      stop: new Stop(),
    };
    const run = runPipeline(quadraticWorkshop({ size }), {
      ...options,
      onEvent: (event) => {
        // The disk fills up after the first checkpoint, and before the run does anything else.
        if (event.type === "checkpoint" && event.step === 4)
          writeFileSync(join(mount, "filler"), Buffer.alloc(1_450_000));
      },
    });
    await expect(run).rejects.toMatchObject({ code: "disk-full" });
    expect(await loadCheckpoint(join(mount, "checkpoints"))).toMatchObject({
      name: "stage-0-step-000004",
      skipped: [],
    });
    expect(readEvents(join(mount, "events.jsonl")).at(-1)).toMatchObject({
      type: "run-failed",
      code: "disk-full",
    });
    await rm(join(mount, "filler"));
    expect(await runPipeline(quadraticWorkshop({ size, steps: 8 }), options)).toBe("finished");
    expect(timeline(readEvents(join(mount, "events.jsonl"))).steps).toHaveLength(16);
  } finally {
    await execa("umount", [mount]);
  }
});
