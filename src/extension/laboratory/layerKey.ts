import { applyEdits, findNodeAtLocation, getNodeValue, modify, parseTree } from "jsonc-parser";
import { type LayerChoice, layerCaveats } from "../../protocol/layerChoice.ts";
import type { LayerFigure, SeparabilityFigures } from "../../protocol/probe/separability.ts";
import { figure } from "../../wording/numbers.ts";

/** Path of the `layer` of a contrast in a recipe, be it written or left to its default. */
export type LayerPath =
  | readonly ["stages", number, "layer"]
  | readonly ["stages", number, "contrast", "layer"];

/** A contrast in a recipe's text: where its layer is, or would be, in UTF-16 units. */
export interface LayerPlace {
  readonly path: LayerPath;
  readonly offset: number;
}

/** The contrasts in the text of a recipe, sound or not: contrastive stages, and contrasts beside safety tuning. */
export function layerPlaces(text: string): LayerPlace[] {
  const tree = parseTree(text);
  const stages = tree && findNodeAtLocation(tree, ["stages"]);
  return (stages?.children ?? []).flatMap((stage, i): LayerPlace[] => {
    const type = findNodeAtLocation(stage, ["type"])?.value as unknown;
    const contrast = findNodeAtLocation(stage, ["contrast"]);
    const holder = type === "contrastive" ? stage : contrast?.type === "object" ? contrast : undefined;
    if (holder === undefined) return [];
    const path: LayerPath = holder === stage ? ["stages", i, "layer"] : ["stages", i, "contrast", "layer"];
    const key = findNodeAtLocation(holder, ["layer"]);
    return [{ path, offset: key?.parent?.offset ?? holder.offset }];
  });
}

/**
 * Where a contrast is in the text of a recipe that was edited since: at its own place, or where another stage came before it or went.
 *
 * @param path of the contrast in the text of before
 * @returns null where that cannot be said
 */
export function movedLayer(before: string, path: LayerPath, now: string): LayerPath | null {
  const own = holderOf(before, path);
  const places = layerPlaces(now);
  const isThere = places.some((place) => place.path.join() === path.join());
  if (isThere && holderOf(now, path) === own) return path;
  const same = places.filter((place) => holderOf(now, place.path) === own);
  if (same.length === 1) return same[0]!.path;
  // As many contrasts as before: this one was itself edited.
  return isThere && same.length === 0 && places.length === layerPlaces(before).length ? path : null;
}

/** What a contrast says but for its layer, as text. */
function holderOf(text: string, path: LayerPath): string {
  const tree = parseTree(text);
  const holder = tree && findNodeAtLocation(tree, path.slice(0, -1) as (string | number)[]);
  const { layer: _, ...rest } = (holder ? getNodeValue(holder) : {}) as { layer?: unknown };
  return JSON.stringify(rest);
}

/** The text of a recipe in which a contrast has this layer. */
export function withLayer(text: string, path: LayerPath, layer: number | "auto"): string {
  const formattingOptions = { insertSpaces: true, tabSize: 2 };
  return applyEdits(text, modify(text, [...path], layer, { formattingOptions }));
}

/** A layer that can be chosen, with what was measured there. */
export interface LayerItem {
  readonly label: string;
  readonly description: string;
  readonly detail?: string;
  readonly layer: number | "auto";
}

/**
 * The layers that may be chosen, the proposed one first, then those as good within one standard error, then the others.
 *
 * @param now the layer that the recipe has
 */
export function layerItems({ proposal, states }: SeparabilityFigures, now: number | "auto"): LayerItem[] {
  const [{ choice, curve }] = states as [SeparabilityFigures["states"][number]];
  const plateau = new Set(proposal.plateau);
  const rank = (layer: number) => (layer === proposal.layer ? 0 : plateau.has(layer) ? 1 : 2);
  const layers = choice.curve
    .filter(({ layer }) => layer <= proposal.highest)
    .toSorted((a, b) => rank(a.layer) - rank(b.layer) || a.layer - b.layer);
  const caveats = layerCaveats(choice);
  return [
    ...layers.map((each): LayerItem => {
      const { layer } = each;
      const why = [proposal.reason, ...caveats].join(" ");
      return {
        label: `${layer === now ? "$(check) " : ""}Layer ${layer}`,
        description: [
          evidence(each),
          ...transferred(curve.find((one) => one.layer === layer)?.measures.transfer),
          ...(layer === proposal.layer
            ? ["proposed"]
            : plateau.has(layer)
              ? ["as good within one standard error"]
              : []),
        ].join(" · "),
        ...(layer === proposal.layer && { detail: why }),
        layer,
      };
    }),
    {
      label: `${now === "auto" ? "$(check) " : ""}auto`,
      description: "chosen when the run begins, and recorded with its curve",
      layer: "auto",
    },
  ];
}

/** How the probe of a layer does on prompts of other files, where there were some: transfer 0.88 [0.71, 0.97] */
function transferred(found: LayerFigure | null | undefined): string[] {
  if (!found) return [];
  const { value, lower, upper } = found;
  // Of too few categories there is no interval.
  return [`transfer ${figure(value)}${lower === null ? "" : ` [${figure(lower)}, ${figure(upper)}]`}`];
}

/** The figures at a layer: AUROC 0.91 ± 0.02, shuffled labels 0.50 (highest 0.58) */
function evidence({ auroc, standardError, shuffled }: LayerChoice["curve"][number]): string {
  return `AUROC ${figure(auroc)}${standardError === null ? "" : ` ± ${figure(standardError)}`}, shuffled labels ${figure(shuffled.mean)} (highest ${figure(shuffled.highest)})`;
}
