import type { PanelRefusal } from "../../protocol/events.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import { panelMeasures } from "../evaluate/measures/scored.ts";
import { answerLoss } from "../probe/answerLoss.ts";
import type { RefusalScorer } from "../probe/refusal.ts";
import { separation } from "../probe/separability/cosineGap.ts";
import type { ProbeFigures } from "./openStage.ts";
import type { PanelTokens } from "./runTokens.ts";

/**
 * Measures the monitored prompts with the model as it is: refusal probability of each, the held-out loss, and at some
 * layers the separation of toxic from seemingly toxic ones.
 */
export async function probePanels(
  backend: Backend,
  scorer: RefusalScorer,
  panels: PanelTokens,
  layers: readonly number[],
): Promise<ProbeFigures> {
  const score = async (rows: readonly Tokens[]): Promise<PanelRefusal> => {
    const fitting = rows.filter((row) => panels.fits(row));
    const scores = await scorer.score(fitting);
    const scored = scores.map(({ probability }) => probability);
    const mean = scored.length === 0 ? null : scored.reduce((sum, p) => sum + p, 0) / scored.length;
    let next = 0;
    const perPrompt = rows.map((row) => (panels.fits(row) ? scored[next++]! : null));
    const measures = panelMeasures(scores);
    return { mean, perPrompt, ...(measures.length > 0 && { measures }) };
  };
  return {
    toxic: await score(panels.toxic),
    seeminglyToxic: await score(panels.seeminglyToxic),
    general: await score(panels.general),
    generalLoss: panels.answers.length === 0 ? null : await answerLoss(backend, panels.answers),
    ...(layers.length ? { separation: await separations(backend, panels, layers) } : {}),
  };
}

async function separations(
  backend: Backend,
  panels: PanelTokens,
  layers: readonly number[],
): Promise<Record<string, number>> {
  const toxic = panels.toxic.filter((row) => panels.fits(row));
  const rows = [...toxic, ...panels.seeminglyToxic.filter((row) => panels.fits(row))];
  const labels = rows.map((_, i) => (i < toxic.length ? "toxic" : "seemingly_toxic"));
  const found = await backend.features(rows, { layers, pooling: "last" });
  return Object.fromEntries([...found].map(([layer, features]) => [layer, separation(features, labels)]));
}
