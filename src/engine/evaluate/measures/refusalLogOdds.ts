import { promptMean } from "./promptMean.ts";

/** Refusal before any answer is written, on the scale on which differences mean the same near 0, near 1 and between. */
export const refusalLogOdds = promptMean(
  {
    id: "refusal_log_odds",
    title: "Refusal log-odds (nats)",
    unit: "nats",
    direction: "none",
    description:
      "Log-odds of the refusal probability, averaged over prompts; 0 is a probability of one half.",
  },
  { ofScore: ({ logOdds }) => logOdds, numberOf: (result) => result.refusalLogOdds },
);
