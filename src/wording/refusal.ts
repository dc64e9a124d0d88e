/**
 * Why greedy refusal rates and refusal probabilities differ, wherever the two stand together (METHODS2 §F). Sampling is
 * `discern probe calibration RUN`, and `evaluate --samples` for suites.
 */
export const greedyOrSampled =
  "The probability is the share of sampled answers that open with a listed refusal, and misses late or unlisted ones; greedy rates follow the " +
  "most likely token at every step, so a model at 0.3 may refuse every greedy answer. The probe “Calibration of the refusal probability” " +
  "samples answers and shows both.";
