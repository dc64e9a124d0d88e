import { rowFlags } from "../../protocol/webview/table.ts";
import { Selection } from "../ui/selection.ts";

/** Where the grid is to scroll to: a row into sight, or to the top. */
interface Scroll {
  readonly position: number;
  readonly align: "auto" | "start";
}

/** The prompts that are listed, which of them are selected, and what stays where it is when another list comes. */
export class ListedPrompts {
  /** Their places in the file; null until the host answers. */
  places: Uint32Array | null = null;
  selection = new Selection(0);
  scroll: Scroll = { position: 0, align: "auto" };
  /** Position of the first row in sight. */
  top = 0;
  private flags: Uint8Array | null = null;
  /** Places that stay selected, focused and at the top when a list comes. */
  private kept: { focus: number | undefined; selected: ReadonlySet<number>; top: number | undefined } | null =
    null;

  /** Place in the file of the focused prompt; undefined where nothing is listed. */
  get place(): number | undefined {
    return this.places?.[this.selection.focus];
  }

  /** Place of the prompt that is focused once a list is here. */
  get keptPlace(): number {
    return this.kept?.focus ?? 0;
  }

  flagsAt(position: number): number {
    return this.flags?.[position] ?? 0;
  }

  /** The selected positions, without counterparts that the filter leaves out. */
  chosenPositions(): number[] {
    return this.selection.positions().filter((position) => (this.flagsAt(position) & rowFlags.beside) === 0);
  }

  /** Positions of some places of the file, where they are listed. */
  positionsOf(places: ReadonlySet<number>): number[] {
    return [...(this.places?.keys() ?? [])].filter((position) => places.has(this.places![position]!));
  }

  /** Has a prompt focused in the list that comes. */
  keepFocus(place: number): void {
    this.kept = { focus: place, selected: new Set(), top: undefined };
  }

  /** Notes what is to stay where it is when a list comes. @param live whether nobody asked for it here: then the view does not jump */
  keep(live: boolean, moved: (place: number) => number | undefined = (place) => place): void {
    const { places } = this;
    if (!places) return;
    const at = (position: number) => {
      const place = places[position];
      return place === undefined ? undefined : moved(place);
    };
    const selected = this.selection.size > 1 ? this.selection.positions().map(at) : [];
    this.kept = {
      focus: at(this.selection.focus),
      selected: new Set(selected.filter((place) => place !== undefined)),
      top: live && this.top > 0 ? at(this.top) : undefined,
    };
  }

  /** Takes a list, and brings back to their rows what was kept. */
  take(places: Uint32Array, flags: Uint8Array | null): void {
    const { kept } = this;
    this.kept = null;
    this.places = places;
    this.flags = flags;
    const focus = kept?.focus === undefined ? 0 : Math.max(0, places.indexOf(kept.focus));
    this.selection = new Selection(places.length, focus);
    if (kept && kept.selected.size > 1) {
      this.selection.only(this.positionsOf(kept.selected));
      this.selection.moveFocus(focus);
    }
    const top = kept?.top === undefined ? -1 : places.indexOf(kept.top);
    this.scroll = top >= 0 ? { position: top, align: "start" } : { position: focus, align: "auto" };
  }
}
