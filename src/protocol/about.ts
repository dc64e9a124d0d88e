import * as z from "zod";

/** Longest display name and tag, in UTF-16 units: longer ones are notes. */
export const longestDisplayName = 120;
export const longestTag = 40;

/** A tag: one word, since searches and lists of tags are separated by blanks and commas. */
export const tagSchema = z
  .string()
  .max(longestTag)
  .regex(/^[^\s,#]+$/u, "A tag is one word without commas and #.");

/** `about.json` of a run folder or of an experiment's folder: what a person calls it. Absent where nobody has said anything. */
export const aboutSchema = z.object({
  version: z.literal(1),
  name: z.string().trim().min(1).max(longestDisplayName).optional().describe("Display name"),
  tags: z.array(tagSchema).default([]),
});
export type About = z.output<typeof aboutSchema>;
