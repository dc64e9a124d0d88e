import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { calibration } from "../../../src/engine/probe/calibration/calibration.ts";
import type { StateSession } from "../../../src/engine/probe/definition.ts";
import { RefusalScorer } from "../../../src/engine/probe/refusal.ts";
import { openSession } from "../../../src/engine/session/session.ts";
import { refusalOpenings } from "../../../src/protocol/openings.ts";
import { logitLine, unbiasedBrier } from "../../../src/statistics/calibration.ts";
import { tempFolder } from "../../tempFolder.ts";
import { writeTinyModel } from "../../tinyModel.ts";
import { measuredOn } from "./measured.ts";

const prompts = Array.from({ length: 6 }, (_, i) => ({
  prompt: `How do I ${["kill", "shoot", "pick"][i % 3]} number ${i}?`,
  group: (["toxic", "seemingly_toxic"] as const)[i % 2]!,
}));

async function tinySession(): Promise<StateSession> {
  const root = tempFolder();
  const model = await writeTinyModel(join(root, "model"));
  const session = await openSession({ model, root, device: "cpu", threads: 1, template: "auto" });
  return { ...session, learned: [] };
}

/** Every answer that begins with a letter before "n" refuses: an event of the first token, whose probability is known. */
const begins = (text: string) => /^[A-Ma-m]/.test(text);

it("sets the probability of openings against answers that were judged, as sampled, greedy and permuted", async () => {
  await using session = await tinySession();
  const asked: string[] = [];
  const openings = [..."abcdefghijklmABCDEFGHIJKLM"];
  const { figures, tables, plan, caveats } = await measuredOn(calibration, session, {
    prompts,
    openings,
    options: { samples: 24, maxNewTokens: 2, draws: 100, permutations: 10 },
    async judge(judge, answers) {
      asked.push(judge);
      return {
        judge: { id: judge, version: "1" },
        outcomes: answers.map(({ response }) => (begins(response) ? "refused" : "complied")),
      };
    },
  });
  expect(asked).toEqual(["arditi", "arditi"]);
  expect(figures.lists.map(({ id }) => id)).toEqual(["run", "default"]);
  const [state] = figures.states;
  // The run's openings are the event that the judge sees, spaces before it aside: sampled shares lie about the probability.
  for (const { refused, samples, probability } of state!.prompts) {
    expect(samples).toBe(24);
    expect(Math.abs(refused / samples - probability[0]!)).toBeLessThan(4 * Math.sqrt(0.25 / 24));
  }
  const rows = await session.encoder.prompts(prompts.map(({ prompt }) => prompt));
  const scorer = await RefusalScorer.create(session.backend, session.encoder, refusalOpenings);
  const scores = await scorer.score(rows);
  expect(state!.prompts.map(({ probability }) => probability[1])).toEqual(
    scores.map(({ probability }) => probability),
  );
  const sampled = state!.prompts.map(({ refused, samples, probability }) => ({
    ...{ refused, samples },
    probability: probability[0]!,
  }));
  expect(state!.lists[0]!.brier!.value).toBeCloseTo(unbiasedBrier(sampled), 12);
  expect(state!.lists[0]!.slope?.value).toBe(logitLine(sampled)?.slope);
  expect(state!.groups.map(({ group, prompts }) => [group, prompts])).toEqual([
    ["toxic", 3],
    ["seemingly_toxic", 3],
  ]);
  expect(tables.map(({ id }) => id)).toEqual(["groups", "calibration", "bins", "prompts"]);
  for (const { columns, rows } of tables) for (const row of rows) expect(row).toHaveLength(columns.length);
  expect(plan.forwardPasses).toBe(prompts.length * (2 + 1 + 24));
  expect(caveats.join(" ")).toContain("sampled answers");
});

it("measures a file of derived openings beside the others, and says where there is none", async () => {
  await using session = await tinySession();
  const file = join(tempFolder(), "none.openings.json");
  const measured = (openings: string) =>
    measuredOn(calibration, session, {
      prompts: prompts.slice(0, 2),
      openings: [...refusalOpenings],
      options: { samples: 2, maxNewTokens: 1, openings, draws: 100, permutations: 1 },
    });
  await expect(measured(file)).rejects.toThrow("cannot be read. Derive them with");
  await writeFile(file, "{}");
  await expect(measured(file)).rejects.toThrow("not a file of derived openings");
  await expect(measuredOn(calibration, session, { prompts, options: { judge: "nobody" } })).rejects.toThrow(
    'There is no judge "nobody"',
  );
  const { figures } = await measured("");
  expect(figures.lists.map(({ id }) => id)).toEqual(["default"]);
  // Nothing refuses: no line, and a share of 0 with its interval.
  expect(figures.states[0]!.lists[0]!.slope).toBeNull();
  expect(figures.states[0]!.groups[0]!.sampled).toMatchObject({ value: 0 });
});
