/** How a press or an arrow changes a selection: this row alone, from the anchor to it, or it besides the others. */
export type Extend = "alone" | "range" | "toggle";

/**
 * The selected rows of a list, by their positions. A byte a row: selecting all of 80,000 prompts makes no 80,000 objects.
 */
export class Selection {
  private readonly bits: Uint8Array;
  private anchor = 0;
  /** The row that the keys are on. */
  focus = 0;
  /** How many rows are selected. */
  size = 0;

  constructor(length: number, focus = 0) {
    this.bits = new Uint8Array(length);
    if (length > 0) this.move(focus, "alone");
  }

  has(position: number): boolean {
    return this.bits[position] === 1;
  }

  /** The selected positions in the list's order. */
  positions(): number[] {
    const positions: number[] = [];
    for (const [position, bit] of this.bits.entries()) if (bit === 1) positions.push(position);
    return positions;
  }

  /** Brings the focus to a row, held within the list, and selects accordingly. */
  move(to: number, extend: Extend): void {
    const position = Math.max(0, Math.min(this.bits.length - 1, to));
    this.focus = position;
    if (extend === "toggle") {
      this.anchor = position;
      this.bits[position] = this.has(position) ? 0 : 1;
      this.size += this.has(position) ? 1 : -1;
      return;
    }
    if (extend === "alone") this.anchor = position;
    const from = Math.min(this.anchor, position);
    const end = Math.max(this.anchor, position) + 1;
    this.bits.fill(0).fill(1, from, end);
    this.size = end - from;
  }

  /** Brings the focus to a row and leaves the selection. */
  moveFocus(to: number): void {
    this.focus = Math.max(0, Math.min(this.bits.length - 1, to));
  }

  /** Selects these rows and no others, and brings the focus to the first of them. */
  only(positions: readonly number[]): void {
    this.bits.fill(0);
    for (const position of positions) this.bits[position] = 1;
    this.size = positions.length;
    this.focus = positions[0] ?? this.focus;
    this.anchor = this.focus;
  }

  all(): void {
    this.bits.fill(1);
    this.size = this.bits.length;
  }
}
