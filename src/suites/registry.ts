/**
 * What is known of published suites and data: one declaration each, in the form in which a person declares a suite of their own
 * (`*.suite.json`), and where their files lie on this machine. Nothing is read or fetched here: rows are read as those of every other
 * prompt file (`dataset`), and only the command line fetches.
 */

import { type SuiteDeclaration, suiteDeclarationSchema } from "../protocol/suiteDeclaration.ts";
import advbench from "./declarations/advbench.suite.json" with { type: "json" };
import alpacaEval from "./declarations/alpaca-eval.suite.json" with { type: "json" };
import alpacaRandom9k from "./declarations/alpaca-random-9k.suite.json" with { type: "json" };
import arcChallenge from "./declarations/arc-challenge.suite.json" with { type: "json" };
import arcEasy from "./declarations/arc-easy.suite.json" with { type: "json" };
import coconotContrast from "./declarations/coconot-contrast.suite.json" with { type: "json" };
import coconotContrastOther from "./declarations/coconot-contrast-other.suite.json" with { type: "json" };
import dolly3k from "./declarations/dolly-3k.suite.json" with { type: "json" };
import evorefuse from "./declarations/evorefuse.suite.json" with { type: "json" };
import falsereject from "./declarations/falsereject.suite.json" with { type: "json" };
import harmbench from "./declarations/harmbench.suite.json" with { type: "json" };
import harmbenchCopyright from "./declarations/harmbench-copyright.suite.json" with { type: "json" };
import harmbenchVal from "./declarations/harmbench-val.suite.json" with { type: "json" };
import iCona from "./declarations/i-cona.suite.json" with { type: "json" };
import iMalicious from "./declarations/i-malicious.suite.json" with { type: "json" };
import jailbreakbench from "./declarations/jailbreakbench.suite.json" with { type: "json" };
import maliciousInstruct from "./declarations/malicious-instruct.suite.json" with { type: "json" };
import mmlu from "./declarations/mmlu.suite.json" with { type: "json" };
import oktest from "./declarations/oktest.suite.json" with { type: "json" };
import openbookqa from "./declarations/openbookqa.suite.json" with { type: "json" };
import orBench80k from "./declarations/or-bench-80k.suite.json" with { type: "json" };
import orBenchHard from "./declarations/or-bench-hard.suite.json" with { type: "json" };
import orBenchToxic from "./declarations/or-bench-toxic.suite.json" with { type: "json" };
import phtest from "./declarations/phtest.suite.json" with { type: "json" };
import phtestControversial from "./declarations/phtest-controversial.suite.json" with { type: "json" };
import piqa from "./declarations/piqa.suite.json" with { type: "json" };
import selfInstructSeeds from "./declarations/self-instruct-seeds.suite.json" with { type: "json" };
import sorryBench from "./declarations/sorry-bench.suite.json" with { type: "json" };
import stlSafety from "./declarations/stl-safety.suite.json" with { type: "json" };
import strongreject from "./declarations/strongreject.suite.json" with { type: "json" };
import xstest from "./declarations/xstest.suite.json" with { type: "json" };

/** The suites that Discern knows, and the published data that recipes train on: over-refusal, harm, capability, helpfulness, training. */
export const knownSuites: readonly SuiteDeclaration[] = [
  xstest,
  oktest,
  coconotContrast,
  coconotContrastOther,
  orBenchHard,
  orBench80k,
  orBenchToxic,
  phtest,
  phtestControversial,
  falsereject,
  evorefuse,
  advbench,
  harmbench,
  harmbenchVal,
  harmbenchCopyright,
  maliciousInstruct,
  jailbreakbench,
  strongreject,
  iMalicious,
  iCona,
  sorryBench,
  mmlu,
  arcEasy,
  arcChallenge,
  openbookqa,
  piqa,
  alpacaEval,
  stlSafety,
  alpacaRandom9k,
  dolly3k,
  selfInstructSeeds,
].map((declaration) => suiteDeclarationSchema.parse(declaration));
