import { cleanup, fireEvent, render } from "@testing-library/preact";
import { act } from "preact/test-utils";
import { vi } from "vitest";
import { type PromptLabelState, packLabel } from "../../../src/protocol/webview/labelBytes.ts";
import type {
  LabellingFromPage,
  LabellingState,
  LabellingToPage,
  PromptDetail,
} from "../../../src/protocol/webview/labelling.ts";
import { App } from "../../../src/webview/labelling/app.tsx";
import { help } from "../../../src/webview/labelling/keys.ts";
import { LabellingPage } from "../../../src/webview/labelling/pageModel.ts";
import { WithHelp } from "../../../src/webview/ui/help.tsx";
import { connectHost } from "../../../src/webview/ui/host.ts";

const idOf = (place: number) => String(place).padStart(4, "0");

/** What the page sent of one type, oldest first. */
type Sent<T extends LabellingFromPage["type"]> = (LabellingFromPage & { type: T })[];

/** The page in a DOM, with a host that answers like the real one and writes down what it is asked. */
export class PageUnderTest {
  readonly asked: LabellingFromPage[] = [];
  kept: LabellingState | undefined;
  readonly states: PromptLabelState[];
  /** What the host answers to a label, when it refuses. */
  refusal: string | null = null;
  /** Whether the person, asked about a label, does not want it. */
  declines = false;
  detail: Partial<PromptDetail> = {};
  private readonly answers: LabellingToPage[] = [];
  private listener: (event: MessageEvent) => void = () => {};

  constructor(states: PromptLabelState[], kept?: LabellingState) {
    cleanup();
    this.states = states;
    // jsdom lays nothing out; the grid needs a height to know which rows are in sight.
    for (const [name, value] of Object.entries({ clientHeight: 600, clientWidth: 800, scrollHeight: 1e7 })) {
      Object.defineProperty(HTMLElement.prototype, name, { configurable: true, value });
    }
    HTMLElement.prototype.scrollTo = function (this: HTMLElement, to?: unknown) {
      this.scrollTop = (to as { top: number }).top;
      this.dispatchEvent(new Event("scroll"));
    };
    Object.assign(globalThis, {
      acquireVsCodeApi: () => ({
        postMessage: (message: LabellingFromPage) => {
          this.asked.push(message);
          this.answer(message);
          // Answers come later, as those of another process do.
          queueMicrotask(() => this.deliver());
        },
        getState: () => kept,
        setState: (state: LabellingState) => {
          this.kept = state;
        },
      }),
    });
    // The window would go on listening for the pages of earlier tests.
    const listen = vi.spyOn(window, "addEventListener").mockImplementation((_type, listener) => {
      this.listener = listener as (event: MessageEvent) => void;
    });
    const host = connectHost<LabellingToPage, LabellingFromPage, LabellingState>((message) =>
      page.receive(message),
    );
    listen.mockRestore();
    const page = new LabellingPage(host);
    render(
      <WithHelp help={help}>
        <App page={page} />
      </WithHelp>,
    );
  }

  /** Sends the page what a host sends first. */
  open(settings: { blur?: boolean; guidelines?: string; begin?: number; blind?: boolean } = {}): this {
    const { blur = false, guidelines = "", begin, blind } = settings;
    this.tell({ type: "settings", guidelines, blur });
    this.tell({ type: "run", name: null });
    const ids = this.states.map((_, place) => idOf(place)).join("");
    const labels = Uint8Array.from(this.states, byteOf);
    this.tell({
      type: "file",
      file: {
        uri: "file:///a.csv",
        path: "a.csv",
        ids,
        idLength: 4,
        labels,
        begin,
        blind,
        ...(blind && { secondPass: 50 }),
      },
    });
    return this;
  }

  tell(message: LabellingToPage): void {
    act(() => this.listener(new MessageEvent("message", { data: message })));
    this.deliver();
  }

  /** Gives the page the answers that the host owes it. */
  deliver(): void {
    for (let answer = this.answers.shift(); answer; answer = this.answers.shift()) this.tell(answer);
  }

  sent<T extends LabellingFromPage["type"]>(type: T): Sent<T> {
    return this.asked.filter((message) => message.type === type) as Sent<T>;
  }

  press(key: string, modifiers: KeyboardEventInit = {}): void {
    fireEvent.keyDown(document.activeElement ?? document.body, { key, ...modifiers });
    this.deliver();
  }

  /** What a screen reader was told last. */
  get said(): string {
    return document.querySelector("[role=status]")!.textContent;
  }

  /** The words of the prompt that is shown. */
  get prompt(): string {
    return document.querySelector(".stage .prompt .words")!.textContent;
  }

  private answer(message: LabellingFromPage): void {
    const reply = (answer: LabellingToPage) => this.answers.push(answer);
    if (message.type === "list") {
      const { text, label } = message.query;
      const places = [...this.states.keys()].filter(
        (place) => (label === "all" || this.states[place] === label) && `Prompt ${place}?`.includes(text),
      );
      reply({ type: "list", query: message.query, places: Uint32Array.from(places) });
    } else if (message.type === "rows") {
      const rows = message.places.map((place) => ({ place, line: place + 2, text: `Prompt ${place}?` }));
      reply({ type: "rows", rows });
    } else if (message.type === "prompt") {
      const { place } = message;
      const detail = { place, id: idOf(place), line: place + 2, prompt: `Prompt ${place}?`, opinions: [] };
      reply({ type: "prompt", detail: { ...detail, ...this.detail } });
    } else if (message.type === "label") this.label(message, reply);
  }

  private label(
    message: LabellingFromPage & { type: "label" },
    reply: (answer: LabellingToPage) => unknown,
  ): void {
    const { request, ids, label } = message;
    if (this.refusal !== null) {
      reply({ type: "refused", request, message: this.refusal });
      return;
    }
    if (this.declines) {
      reply({ type: "declined", request });
      return;
    }
    const places = Uint32Array.from(ids, Number);
    const state = label === "skip" ? "skipped" : (label ?? "excluded");
    for (const place of places) this.states[place] = state;
    reply({ type: "labels", places, labels: Uint8Array.from(places, () => byteOf(state)) });
    reply({ type: "labelled", request });
  }
}

function byteOf(state: PromptLabelState): number {
  return packLabel({ state, decided: false, disputed: false });
}
