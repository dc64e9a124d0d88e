import { relative } from "node:path";
import type { Command } from "commander";
import { greatestOf } from "../../statistics/extremes.ts";
import { byteSize } from "../../wording/numbers.ts";
import { type FetchedFile, fetchSuite, type ListedSuite, listSuites } from "../abilities/suites.ts";
import { progressBar, type Shell, say, show } from "./shell.ts";

export function addSuites(program: Command): void {
  const suites = program
    .command("suites")
    .description("known suites and your own: what they measure, and whether they are on this machine")
    .option("--json", "one JSON document on stdout", false)
    .action(async (flags: Shell) => {
      const found = await listSuites(process.cwd());
      show(flags, found, () => tableOf(found));
    });
  suites
    .command("fetch")
    .argument("<suite...>", "ids of suites, or suite files")
    .description(
      "fetch the files of suites into the cache, with progress and checksums; resumes where it was",
    )
    .option("--json", "one JSON document on stdout", false)
    .action(async (ids: string[], _: Shell, command: Command) => {
      // A parent command takes --json for itself wherever it stands.
      const flags = command.optsWithGlobals<Shell>();
      const fetched: { suite: string; files: FetchedFile[] }[] = [];
      for (const id of new Set(ids)) {
        const bar = progressBar(`Fetching ${id}`);
        const files = await fetchSuite(id, {
          root: process.cwd(),
          onProgress: ({ done, total }) => total && bar(done, total),
          onWait: ({ pid, host }, lock) =>
            say(
              `Process ${pid} on ${host} fetches ${id}: waiting for it. If it is no longer running, delete ${lock}.`,
            ),
        });
        for (const { path, bytes, sha256, state, checksum } of files) {
          say(
            state === "present"
              ? `${id}: ${path} is here already.`
              : `${id}: ${path}, ${byteSize(bytes)}. ` +
                  (checksum === "declared"
                    ? "The checksum is right."
                    : `Its checksum was not known and is recorded: SHA-256 ${sha256}.`),
          );
        }
        fetched.push({ suite: id, files });
      }
      show(flags, fetched, () => fetched.flatMap(({ files }) => files.map(({ path }) => path)).join("\n"));
    });
}

const headings: Readonly<Record<ListedSuite["task"], string>> = {
  refusal: "Refusal",
  choice: "Capability",
  pairwise: "Helpfulness",
  training: "Training data",
};

function tableOf(suites: readonly ListedSuite[]): string {
  const width = greatestOf(suites.map(({ id }) => id.length));
  const counted = suites.map(countsText);
  const countWidth = greatestOf(counted.map(({ length }) => length));
  const groups = Object.entries(headings).map(([task, heading]) => {
    const rows = suites.flatMap((suite, i) =>
      suite.task === task ? [rowOf(suite, counted[i]!, width, countWidth)] : [],
    );
    return rows.length === 0 ? [] : [heading, ...rows].join("\n");
  });
  return groups.flat().join("\n\n");
}

function rowOf(suite: ListedSuite, counts: string, width: number, countWidth: number): string {
  const { id, title, state, licence, access, declaredBy, fault } = suite;
  const from = declaredBy === null ? "" : `  (${relative(process.cwd(), declaredBy)})`;
  if (fault !== null) return `  ${id.padEnd(width)}  ${fault}`;
  const terms = access === "open" ? licence : `${licence}; ${access}`;
  return `  ${id.padEnd(width)}  ${state.padEnd(7)}  ${counts.padEnd(countWidth)}  ${title} [${terms}]${from}`;
}

function countsText({ counts }: ListedSuite): string {
  return Object.entries(counts)
    .map(([side, count]) => (side === "items" ? `${count}` : `${count} ${side}`))
    .join(", ");
}
