import { counted } from "../../wording/numbers.ts";
import type { Extend, Selection } from "../ui/selection.ts";
import { ListedPrompts } from "./listed.ts";

/** A page with a list of prompts: where a person is in it and what they selected, and what a screen reader is told. */
export abstract class ListPage {
  /** What a screen reader is told; the number makes the same words news again. */
  said = { words: "", number: 0 };

  protected readonly listed = new ListedPrompts();
  private readonly listeners = new Set<() => void>();

  /** Calls back after every change. @returns a function that ends this. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Places of the listed prompts; null until the host answers. */
  get places(): Uint32Array | null {
    return this.listed.places;
  }

  get selection(): Selection {
    return this.listed.selection;
  }

  get scroll(): ListedPrompts["scroll"] {
    return this.listed.scroll;
  }

  /** Place in the file of the focused prompt; undefined where nothing is listed. */
  get place(): number | undefined {
    return this.listed.place;
  }

  flagsAt(position: number): number {
    return this.listed.flagsAt(position);
  }

  /** How many prompts a label key is about. */
  get chosen(): number {
    return this.selection.size > 1 ? this.listed.chosenPositions().length : this.selection.size;
  }

  /** Moves by so many rows, held within the list. */
  move(by: number): void {
    this.select(this.selection.focus + by, "alone");
  }

  select(position: number, extend: Extend): void {
    this.selection.move(position, extend);
    this.follow();
  }

  /** Moves the focus alone. */
  moveFocus(position: number): void {
    this.selection.moveFocus(position);
    this.follow();
  }

  /** Selects every prompt of the list. */
  selectAll(): void {
    this.selection.all();
    this.say(`${counted(this.chosen, "prompt")} selected`);
    this.changed();
  }

  /** Brings the focused prompt into sight. */
  protected follow(): void {
    this.listed.scroll = { position: this.selection.focus, align: "auto" };
    this.focusMoved();
    this.changed();
  }

  /** Does what follows when another prompt has the focus. */
  protected abstract focusMoved(): void;

  /** Keeps what the page needs when it is shown again. */
  protected abstract keep(): void;

  protected say(words: string): void {
    this.said = { words, number: this.said.number + 1 };
  }

  protected changed(): void {
    this.keep();
    for (const listener of this.listeners) listener();
  }
}
