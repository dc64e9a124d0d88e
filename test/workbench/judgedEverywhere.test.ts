import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "vitest";
import { buildReport } from "../../src/engine/evaluate/report.ts";
import { exampleReport } from "../engine/evaluate/fixture.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";

const joint = exampleReport({ seeds: 1, perKind: 4 });
/** What one of the comparison's runs reported: the untrained model and its own. */
function own(name: string) {
  const { model, judges, methods, answers } = joint;
  const named = [methods[0]!.name, name];
  return buildReport(
    {
      ...{ model, judges, run: { name } },
      methods: methods.filter((one) => named.includes(one.name)),
      answers: answers.filter(({ method }) => named.includes(method)),
    },
    { draws: 50 },
  );
}

async function fill(folder: string): Promise<void> {
  const [, first, second] = joint.methods.map(({ name }) => name);
  for (const [place, report] of [
    ["study", joint],
    ["study/first-0", own(first!)],
    ["study/second-0", own(second!)],
  ] as const) {
    await mkdir(join(folder, "runs", place), { recursive: true });
    await writeFile(join(folder, "runs", place, "report.json"), JSON.stringify(report));
  }
}

describeWorkbench("a judgement in the report of a comparison", () => {
  const workbench = useWorkbench({ fill, settings: { "discern.labels.author": "Ada" } });
  const open = async (place: string, title: string) => {
    await workbench().runCommand("Discern: Open as Discern Report");
    await workbench().quickPick(`runs/${place}`);
    return workbench().webview(title);
  };
  const judged = /^People judged \d+ answers?; the figures follow/;

  it("counts in the report of the run that gave the answer, and nowhere once it is taken back there", async () => {
    const study = await open("study", "Report: study");
    await study.getByRole("tab", { name: "Answers" }).click();
    await study.getByRole("listbox", { name: "Prompts" }).press("p");
    await study.getByText(/^Judged the answer of .+ as partial, saved$/).waitFor();
    await workbench().screenshot("judged-study");
    await study.getByRole("tab", { name: "Figures" }).click();
    await study.getByText(judged).waitFor();

    // A key judges the answer on the right, of the last method.
    const run = await open("study/second-0", "Report: second-0");
    await run.getByText(judged).waitFor();
    await run.getByRole("tab", { name: "Answers" }).click();
    await workbench().screenshot("judged-run");
    await run.getByRole("listbox", { name: "Prompts" }).press("u");
    await run.getByText(/^Verdict on .+ removed$/).waitFor();
    await run.getByRole("tab", { name: "Figures" }).click();
    await run.getByText(judged).waitFor({ state: "detached" });

    const again = await open("study", "Report: study");
    await again.getByText(judged).waitFor({ state: "detached" });
    await workbench().screenshot("judged-taken-back");
  });
});
