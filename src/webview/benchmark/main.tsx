/**
 * The matrix of a comparison or benchmark: methods × suites under one measure, filling in while its runs go on. The host says
 * where each run stands and what was measured so far; the page computes no figure, it arranges rows of the measures table
 * (`matrix.ts`) and draws them as a grid that keys and screen readers can walk.
 */
import { render } from "preact";
import type {
  BenchmarkFromPage,
  BenchmarkPageState,
  BenchmarkToPage,
} from "../../protocol/webview/benchmark.ts";
import { connectHost } from "../ui/host.ts";
import { App } from "./app.tsx";
import { initialState, reduce } from "./state.ts";

const root = document.getElementById("root")!;
let state = initialState;
const host = connectHost<BenchmarkToPage, BenchmarkFromPage, BenchmarkPageState>((message) => {
  state = reduce(state, message);
  draw();
});
const draw = () => render(<App state={state} post={host.post} kept={host.state} keep={host.keep} />, root);
draw();
