import type { LaboratoryMention } from "../../../src/protocol/report/laboratory.ts";
import type { ShownResult } from "../../../src/protocol/webview/laboratory.ts";
import { exampleKernel } from "../../webview/laboratory/gradientResults.ts";

const result = exampleKernel();
const { probe, title, created } = result;
const file = "probes/kernel.probe.json";

/** A result of the laboratory that lies with a run, as the pages of the run are told of it. */
export const mentions: readonly LaboratoryMention[] = [
  { file, probe, title, created, states: result.states.map(({ name }) => name) },
];

/** What is in it. */
export const shownResult: ShownResult & { readonly title: string } = { file, result, title };
