import * as z from "zod";
import { aboutSchema } from "../about.ts";

/** What people say about the run or experiment that a report is of, and the folder that it is in. */
export const reportAboutSchema = aboutSchema.omit({ version: true }).extend({
  folder: z.string().describe("Name of the folder"),
  notes: z.string().optional().describe("Text of notes.md"),
});
export type ReportAbout = z.output<typeof reportAboutSchema>;

/** What a report is headed with. */
interface Headed {
  readonly about?: ReportAbout | undefined;
  readonly run?: { readonly name: string } | undefined;
  readonly benchmark?: { readonly name: string } | undefined;
  readonly model: { readonly name: string };
}

/** What a report is called: the display name, or the name of the run, the benchmark or the model. */
export function reportTitle({ about, run, benchmark, model }: Headed): string {
  return about?.name ?? run?.name ?? benchmark?.name ?? model.name;
}

/** Folder and tags of a report, on which people said something. */
export function aboutWords({ folder, tags }: ReportAbout): string {
  return [`Folder ${folder}`, tags.map((tag) => `#${tag}`).join(" ")].filter(Boolean).join(" · ");
}
