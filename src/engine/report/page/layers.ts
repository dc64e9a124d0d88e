import type { Report } from "../../../protocol/report.ts";
import type { Charts, Series } from "./charts.ts";
import type { Elements } from "./elements.ts";

/**
 * How the layer of the contrast was chosen: the curve with its standard errors, and the controls beside it. Runs inside
 * the report page: it is embedded as source text, so it may use nothing from outside itself but the browser and its
 * arguments.
 */
export function layers(report: Report, elements: Elements, charts: Charts): HTMLElement[] {
  const { data, table, section, colourOf } = elements;
  const chosen = report.series.flatMap(({ arm, seed, layerChoice }) =>
    layerChoice ? [{ arm, seed, ...layerChoice }] : [],
  );
  if (chosen.length === 0) return [];
  const two = (value: number | null | undefined) => (value == null ? "–" : value.toFixed(2));
  const withError = (found: { auroc: number | null; standardError: number | null } | null | undefined) =>
    found ? `${two(found.auroc)} (${two(found.standardError)})` : "one source";
  const series = chosen.flatMap(({ arm, seed, layer, curve }, i): Series[] => {
    const first = chosen.findIndex((one) => one.arm === arm) === i;
    const known = curve.flatMap(({ auroc, standardError, ...each }) =>
      auroc === null ? [] : [{ ...each, auroc, error: standardError ?? 0 }],
    );
    return [
      {
        label: `${arm}, AUROC with its standard error`,
        colour: colourOf(arm),
        style: 0,
        legend: first,
        large: known.findIndex((each) => each.layer === layer),
        points: known.map((each) => ({
          x: each.layer,
          y: each.auroc,
          lower: each.auroc - each.error,
          upper: each.auroc + each.error,
          text: `seed ${seed}, layer ${each.layer}${each.layer === layer ? " (chosen)" : ""}: ${two(each.auroc)}, standard error ${two(each.error)}`,
        })),
      },
      {
        label: `${arm}, shuffled labels`,
        colour: colourOf(arm),
        style: 2,
        legend: first,
        large: -1,
        points: known.flatMap(({ layer: at, shuffled }) =>
          shuffled.mean === null
            ? []
            : [
                {
                  x: at,
                  y: shuffled.mean,
                  text: `seed ${seed}, layer ${at}, shuffled labels: ${two(shuffled.mean)}`,
                },
              ],
        ),
      },
    ];
  });
  return [
    section(
      "Choice of the layer",
      "AUROC of a linear probe between toxic and seemingly toxic prompts of the contrast that it had not seen; 0.5 is " +
        "chance. The chosen layer, the large mark, is the middle of those, among the first 80 %, within one standard error " +
        "(SE) of the best. Controls: the mean with shuffled labels, and the highest of any draw and layer; the same probe on " +
        "character n-grams; the source of a prompt alone.",
      charts.lines({
        label: "AUROC of the layer probes over the layers",
        series,
        x: "layer",
        y: "AUROC",
      }),
      table(
        [
          "arm",
          "seed",
          "chosen layer",
          "AUROC (SE)",
          "held out",
          "shuffled (highest)",
          "n-grams (SE)",
          "source (SE)",
        ],
        chosen.map(({ arm, seed, layer, curve, heldOut, groups, folds, controls }) => {
          const own = curve.find((each) => each.layer === layer);
          return [
            arm,
            `${seed}`,
            `${layer} of ${curve.length}`,
            withError(own),
            `${groups} ${heldOut === "category" ? "categories" : "pairs and single prompts"} in ${folds} folds`,
            `${two(own?.shuffled.mean)} (${two(controls.shuffledBest)})`,
            withError(controls.surface),
            withError(controls.source),
          ];
        }),
      ),
      data(
        "Every layer",
        ["arm", "seed", "layer", "AUROC (SE)", "pairs ranked right", "shuffled labels, mean", "highest"],
        chosen.flatMap(({ arm, seed, curve }) =>
          curve.map((each) => [
            arm,
            `${seed}`,
            `${each.layer}`,
            withError(each),
            two(each.pairAccuracy),
            two(each.shuffled.mean),
            two(each.shuffled.highest),
          ]),
        ),
      ),
    ),
  ];
}
