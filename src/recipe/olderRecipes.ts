/** The keys that every loss had in version 0.1, whichever of them it used. */
const sharedKeys = ["form", "margin", "gamma", "mining", "temperature"];

/** The keys that a loss of version 0.1 used. */
const usedKeys: Readonly<Record<string, readonly string[]>> = {
  circle: ["form", "margin", "gamma"],
  infonce: ["temperature"],
  ntxent: ["temperature"],
  supcon: ["temperature"],
  triplet: ["mining", "margin"],
};

/**
 * Makes a recipe that version 0.1 stored one of today. Version 0.1 wrote into a run's copy all keys of all losses; those
 * that the loss did not use had no effect and are dropped. Such a loss is known by stating every one of the shared keys,
 * which nobody writes by hand: in any other recipe a key of another loss stays, and is a fault.
 *
 * @param value a recipe as JSON, of any version, sound or not.
 * @param isStored whether it is the copy in a run folder. There the run's manifest says where it was computed, and the
 *   device "cuda" of a copy that states no backend, which was onnxruntime's, counts as "auto".
 */
export function fromOlderVersion(value: unknown, isStored: boolean): unknown {
  if (!isObject(value)) return value;
  return {
    ...value,
    ...(isStored && value.device === "cuda" && !Object.hasOwn(value, "backend") ? { device: "auto" } : {}),
    ...(Array.isArray(value.stages) ? { stages: value.stages.map(stageFromOlderVersion) } : {}),
  };
}

function stageFromOlderVersion(stage: unknown): unknown {
  if (!isObject(stage) || !isObject(stage.loss)) return stage;
  const { loss } = stage;
  const used = typeof loss.type === "string" ? usedKeys[loss.type] : undefined;
  if (used === undefined || !sharedKeys.every((key) => Object.hasOwn(loss, key))) return stage;
  const kept = Object.entries(loss).filter(([key]) => used.includes(key) || !sharedKeys.includes(key));
  return { ...stage, loss: Object.fromEntries(kept) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
