import * as z from "zod";
import { counted } from "../wording/numbers.ts";

const count = z.int().nonnegative();

/** What was asked of a service behind an endpoint, and what that cost. */
export const usageSchema = z.object({
  requests: count.describe(
    "Requests that the service got; those that it refused, and those without a reply in time, included",
  ),
  promptTokens: z.number().nonnegative().describe("As the service reports them"),
  completionTokens: z.number().nonnegative().describe("As the service reports them"),
  unreported: count.describe("Requests of which it is not known how many tokens they took"),
  cost: z.number().nullable().describe("By the prices given; null where none are"),
});
export type Usage = z.infer<typeof usageSchema>;

/** What a run had a service do. */
export const paidWorkSchema = z.enum(["making data", "laboratory", "judging"]);
export type PaidWork = z.infer<typeof paidWorkSchema>;

/** What one service cost, over all processes that worked on a run. */
export const spentSchema = usageSchema.extend({
  /** Id of the judge, or the model that was asked. */
  service: z.string(),
  /** Of a judge that read a report's answers: how many there were, and how many verdicts were on disk before it was asked, from other runs. */
  answers: z.int().optional(),
  known: z.int().optional(),
});
export type Spent = z.infer<typeof spentSchema>;

/** Nothing spent yet. @param service id of the judge, or the model that is asked */
export function nothingSpent(service: string): Spent {
  return { service, requests: 0, promptTokens: 0, completionTokens: 0, unreported: 0, cost: null };
}

/** Two usages of one service as one. Where only one has prices, the cost is that of it. */
export function addUsage<U extends Usage>(
  known: U,
  { requests, promptTokens, completionTokens, unreported, cost }: Usage,
): U {
  return {
    ...known,
    requests: known.requests + requests,
    promptTokens: known.promptTokens + promptTokens,
    completionTokens: known.completionTokens + completionTokens,
    unreported: known.unreported + unreported,
    cost: cost === null ? known.cost : (known.cost ?? 0) + cost,
  };
}

/** Spent by service: with what was spent on it, or what was known of it, added. */
export function addSpent(all: readonly Spent[], found: Spent): Spent[] {
  const { service, answers, known } = found;
  const before = all.find((one) => one.service === service) ?? nothingSpent(service);
  const sum: Spent = {
    ...addUsage(before, found),
    ...(before.answers === undefined && answers !== undefined && { answers, known: known ?? 0 }),
  };
  return all.some((one) => one.service === service)
    ? all.map((one) => (one.service === service ? sum : one))
    : [...all, sum];
}

/** What a service cost, as a sentence. @param work what it did, where that is not to judge answers */
export function spentSentence(spent: Spent, work: PaidWork = "judging"): string {
  const { service, requests, promptTokens, completionTokens, unreported, cost, answers, known } = spent;
  const open = unreported > 0 ? ` (not reported of ${counted(unreported, "request")})` : "";
  const money = cost === null ? "" : `, cost ${cost.toFixed(4)} by the prices given`;
  const disk =
    answers === undefined || !known
      ? ""
      : ` ${known} of ${counted(answers, "verdict")} were on disk and cost nothing.`;
  const who = work === "judging" ? `Judge ${service}` : `${service}, ${work}`;
  return `${who}: ${counted(requests, "request")}, ${promptTokens} tokens in and ${completionTokens} out${open}${money}.${disk}`;
}
