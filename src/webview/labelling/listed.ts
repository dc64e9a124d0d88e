import { Selection } from "../ui/selection.ts";

/** The list of prompts: which are in it, which of them is present, and which are selected in the grid. */
export class ListedPrompts {
  /** Places of prompts in the file, in the order asked for; null until the host answers. */
  places: Uint32Array | null = null;
  /** Position of the present prompt in the list. */
  position = 0;
  selection = new Selection(0);
  /** Place of the prompt that is to be present in the list that comes. */
  target: number | undefined;
  /** Whether the list that comes begins at its first prompt without a label. */
  beginsUnlabelled = false;
  /** What undo or redo changed and the list does not show, until one comes that does. */
  restored: ReadonlySet<number> | null = null;

  /** Place in the file of the present prompt; undefined where the list is empty. */
  get place(): number | undefined {
    return this.places?.[this.position];
  }

  /** Makes a prompt present, held within the list. */
  goTo(position: number): void {
    this.position = Math.max(0, Math.min((this.places?.length ?? 1) - 1, position));
  }

  /** Makes the prompt at a place of the file present, and selects it alone. @returns false where it is not listed */
  goToPlace(place: number): boolean {
    const position = this.places?.indexOf(place) ?? -1;
    if (position < 0) return false;
    this.goTo(position);
    this.selectPresent();
    return true;
  }

  /** Selects the present prompt alone. */
  selectPresent(): void {
    this.selection = new Selection(this.places?.length ?? 0, this.position);
  }

  /** Positions of what undo or redo changed last. */
  restoredPositions(): number[] {
    const { places, restored } = this;
    if (!places || !restored) return [];
    return [...places.keys()].filter((position) => restored.has(places[position]!));
  }

  /**
   * Takes a list.
   *
   * @param isUnlabelled says it of the prompt at a place of the file
   * @param selects whether several prompts may be selected: then those that undo or redo restored are
   */
  take(places: Uint32Array, isUnlabelled: (place: number) => boolean, selects: boolean): void {
    this.places = places;
    this.goTo(this.firstPosition(places, isUnlabelled));
    this.target = undefined;
    this.beginsUnlabelled = false;
    this.selectPresent();
    const restored = selects ? this.restoredPositions() : [];
    if (restored.length > 1) this.selection.only(restored);
    this.restored = null;
  }

  /** Where a new list begins: at what is wanted, in a file just opened at the first prompt without a label, else at its start. */
  private firstPosition(places: Uint32Array, isUnlabelled: (place: number) => boolean): number {
    if (this.target !== undefined) return Math.max(0, places.indexOf(this.target));
    return this.beginsUnlabelled ? Math.max(0, places.findIndex(isUnlabelled)) : 0;
  }
}
