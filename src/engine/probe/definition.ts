/**
 * Figures of the laboratory. A probe is what `protocol/probe` says of it (options, figures, which states and prompts), what it costs
 * (`plan`, pure) and how it is measured. It is given prompts as tokens and states to open one after another, and returns what its picture
 * needs, tables and caveats; files, progress bars, recipes and run folders are the business of those who measure it. The other files of
 * this room are mathematics that probes, training and evaluation share.
 */
import type { FiguresOf, OptionsOf, ProbeContract } from "../../protocol/probe/contract.ts";
import type {
  ModelState,
  ProbePlanInput,
  ProbePrompt,
  ProbeTable,
  TrainingPrompt,
} from "../../protocol/probe/result.ts";
import type { TrainRecipe } from "../../protocol/recipeStages.ts";
import type { Outcome } from "../../protocol/report/verdicts.ts";
import type { BackendShape, Example, Learned, Tokens } from "../backend/backend.ts";
import type { Architecture } from "../model/architecture.ts";
import type { Session } from "../session/session.ts";
import type { PreferenceKeys, ReferencedPair } from "./preferenceLoss.ts";

/** A prompt of a probe as tokens, up to where the answer begins. */
export interface ProbeRow extends ProbePrompt {
  readonly ids: Tokens;
  /** The prompt without the template, white space normalised. */
  readonly alone: Tokens;
  /** With its answer, where its file has one. */
  readonly example: Example | null;
}

/** A training pair as tokens, cut as the run cut it. */
export interface TrainingRow extends TrainingPrompt {
  /** Its answer; of a preference pair the preferred one. */
  readonly example: Example;
  /** Of a preference pair: what it was made for, and what it is held against. */
  readonly against?: RejectedAnswer;
}

/** The rejected answer of a preference pair, as a run made it for a stage. */
export interface RejectedAnswer {
  readonly stage: number;
  readonly example: Example;
  /** Log-probabilities of both answers under the reference, in nats. */
  readonly reference: ReferencedPair["reference"];
}

/** A step of training on answers, as a run took it. */
export interface DrawnStep {
  readonly stage: number;
  /** Steps of all stages before it. */
  readonly globalStep: number;
  /** Learning rate, times the factor that clipped the gradient. */
  readonly rate: number;
  /** Factor of the loss of each labelled token; of a preference stage that of each pair's loss. */
  readonly weight: number;
  /** Whether prompts carried loss as well. */
  readonly maskPrompt: boolean;
  /** The pairs it drew, as indices into the training pairs; one that was drawn twice is there twice. */
  readonly pairs: readonly number[];
}

/** How a run was trained on answers. */
export interface DrawnTraining {
  /** Of the run, from which the first values of its adapters follow. */
  readonly seed: number;
  /** What each stage that is trained on answers trains, by its index. */
  readonly trains: ReadonlyMap<number, TrainRecipe>;
  /** In their order. */
  readonly steps: readonly DrawnStep[];
  /** What makes the loss of a preference stage, by its index. */
  readonly preferences?: ReadonlyMap<number, PreferenceKeys>;
  /** Steps of contrastive stages, by the steps of all stages before each: no share of them belongs to a pair. */
  readonly contrastive?: readonly number[];
}

/** What a probe is asked, without a model: enough to say what it costs. */
export interface ProbeQuestion<Options> {
  readonly options: Options;
  /** Of every random draw; a probe gives the same figures for the same seed. */
  readonly seed: number;
  readonly shape: BackendShape;
  readonly architecture: Architecture;
  /** Numbers of the model. */
  readonly parameters: number;
  /** Prompts of the groups that the contract takes; those that leave no room for the openings were left out, and told. */
  readonly prompts: readonly ProbeRow[];
  /** Training pairs of the parts that the contract takes; empty where it takes none. */
  readonly training: readonly TrainingRow[];
  /** Which of them each step of the run drew; null for a model alone, and where the contract takes no training pairs. */
  readonly drawn?: DrawnTraining | null;
  /** Tokens of each spelling of each opening of a refusal, for `RefusalScorer` and `tokenTrie`. */
  readonly openings: readonly Tokens[];
  /** Layer ℓ of the run's contrast; null where it has none, or a model alone is measured. */
  readonly contrastLayer: number | null;
  readonly states: readonly ModelState[];
}

/** A model at a state of a run. */
export type StateSession = Session & {
  /**
   * What was made part of the model, in order: what the run began with, then what its stages learned; the last one is that of the state's
   * own stage.
   */
  readonly learned: readonly Learned[];
};

/** What a probe is measured with. */
export interface ProbeContext<Options> extends ProbeQuestion<Options> {
  /**
   * Does work on the model at one of the states. One is open at a time, so nothing of a session may be kept. Backends ask `check` between
   * their batches meanwhile.
   *
   * @throws what opening the state and `work` throw.
   */
  at<T>(state: ModelState, work: (session: StateSession) => Promise<T>): Promise<T>;
  /**
   * What a judge of refusal says of answers, in their order. Asked when no state is open, so that a judge's model never lies in memory
   * beside the one that answers.
   *
   * @param judge id of a judge, or a judge as a recipe writes it.
   * @throws DiscernError `request-invalid` for a judge that there is not, or that is not asked about refusal.
   */
  judge(judge: string, answers: readonly JudgedText[]): Promise<JudgedOutcomes>;
  /** Told how much of the whole measurement is done, in units of the probe's own. */
  onProgress(done: number, total: number): void;
  /** Asked between pieces of work that no backend does. @throws where the measurement was cancelled. */
  check(): void;
}

/** An answer as a judge reads it. */
export interface JudgedText {
  readonly prompt: string;
  /** Without reasoning. */
  readonly response: string;
  /** Whether the model ended by itself. */
  readonly ended: boolean;
  /** Whether its reasoning was never closed. */
  readonly unclosed: boolean;
}

/** What became of answers, in their order, and who says so. */
export interface JudgedOutcomes {
  readonly judge: { readonly id: string; readonly version: string };
  readonly outcomes: readonly Outcome[];
}

/** What a probe found. */
export interface Measured<Figures> {
  readonly figures: Figures;
  /** The data of the figures; NaN becomes null. */
  readonly tables: readonly ProbeTable[];
  /** What limits these figures, in whole sentences. */
  readonly caveats: readonly string[];
}

/** A probe: a row of the table in `probes.ts`. */
export interface ProbeDefinition<C extends ProbeContract = ProbeContract> {
  readonly contract: C;
  /**
   * What it computes. Pure, and quick for any number of prompts.
   *
   * @throws DiscernError `request-invalid` for options that do not fit the model, such as a layer beyond it.
   */
  plan(question: ProbeQuestion<OptionsOf<C>>): ProbePlanInput;
  /** Measures it. @throws as `at`, and what `check` throws. */
  measure(context: ProbeContext<OptionsOf<C>>): Promise<Measured<FiguresOf<C>>>;
}

/** Says what computes a contract: its options and figures are checked by its types. */
export function defineMeasurement<C extends ProbeContract>(
  contract: C,
  computed: Omit<ProbeDefinition<C>, "contract">,
): ProbeDefinition<C> {
  return { contract, ...computed };
}
