import * as z from "zod";

/** A result of a probe that lies with a run: where it is and what it is of. Its figures stay in its file. */
export const laboratoryMentionSchema = z.object({
  file: z.string().describe("Relative to the folder of the report, with / between folders"),
  run: z.string().optional().describe("Of a comparison: the run, by the name of its folder"),
  probe: z.string().nullable().describe("Id of the probe; null where the file cannot be read"),
  title: z.string().nullable(),
  states: z.array(z.string()).describe("Names of the states that were measured"),
  created: z.string().nullable(),
});
export type LaboratoryMention = z.infer<typeof laboratoryMentionSchema>;

/** Where a mentioned result lies, as a link relative to the report. */
export function mentionLink({ file }: Pick<LaboratoryMention, "file">): string {
  const encoded = file.split("/").map(encodeURIComponent).join("/");
  return encoded.replace(/[()]/g, (each) => (each === "(" ? "%28" : "%29"));
}
