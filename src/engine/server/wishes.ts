/** What the liveness thread writes for the engine's main thread to read, as numbers that fit into shared memory. */
export const wishes = { none: 0, stop: 1, keepBest: 2 } as const;
