import { openBackend } from "../../src/engine/backend/open.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { generate } from "../../src/engine/probe/generate.ts";
import { realModelPath } from "../realModel.ts";
import { readCorpus } from "./corpus.ts";

const path = await realModelPath();
const corpus = await readCorpus(path);
const { backend } = await openBackend({ device: "cpu", threads: 2 }, () => loadModel(path));
const prompts = [...corpus.pairs.map(({ ids }) => ids), ...corpus.general]
  .sort((a, b) => a.length - b.length)
  .slice(0, 128);
console.log(corpus.pairs.length, corpus.general.length, prompts[0]!.length, prompts.at(-1)!.length);
const cpu = () => {
  const u = process.cpuUsage();
  return (u.user + u.system) / 1e6;
};
for (const round of [0, 1])
  for (const batchSize of [16, 32, 64, 128]) {
    const some = prompts.slice(0, 128);
    const [t, c] = [performance.now(), cpu()];
    const found = await generate(backend, some, { maxNewTokens: 8, batchSize, eosIds: [] });
    console.log(
      round,
      batchSize,
      ((performance.now() - t) / 1000).toFixed(1),
      "s; cpu",
      (cpu() - c).toFixed(1),
      found[5]!.ids.join(),
    );
  }
process.exit(0);
