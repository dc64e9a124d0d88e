import { promptMean } from "./promptMean.ts";

/** How undecided a model is where its answer begins. */
export const firstTokenEntropy = promptMean(
  {
    id: "first_token_entropy",
    title: "Entropy of the first answer token (nats)",
    unit: "nats",
    direction: "none",
    description: "Entropy of the distribution of the first token of the answer, averaged over prompts.",
  },
  { ofScore: ({ entropy }) => entropy },
);
