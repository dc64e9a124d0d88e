/** Rows that are fetched together: some screens' worth, so that scrolling a little asks for nothing. */
const CHUNK = 50;
/** Rows that are kept; the farthest-back ones are forgotten, so that scrolling through 80,000 prompts costs no memory. */
const KEPT = 1000;
/** As many as a message may ask for. */
const MOST = 200;

/**
 * The lines of the list that the page knows. It knows those around the part that is shown and forgets the others: the
 * host has them all.
 */
export class RowWindow<Row extends { readonly place: number }> {
  private readonly rows = new Map<number, Row>();
  private readonly asked = new Set<number>();
  /** Rows that are shown until they come anew. */
  private readonly outdated = new Set<number>();

  /** How many rows are known. */
  get size(): number {
    return this.rows.size;
  }

  /** The row of the prompt at a place of the file; undefined while it is not known. */
  get(place: number): Row | undefined {
    return this.rows.get(place);
  }

  /**
   * Says which rows to ask for so that a part of the list can be shown.
   *
   * @param places the list
   * @param from first and `to` last position shown, both included
   */
  missing(places: Uint32Array, from: number, to: number): number[] {
    const first = Math.floor(from / CHUNK) * CHUNK;
    const last = Math.ceil((to + 1) / CHUNK) * CHUNK;
    const wanted = [...places.subarray(first, last)].filter(
      (place) => (!this.rows.has(place) || this.outdated.has(place)) && !this.asked.has(place),
    );
    const asking = wanted.slice(0, MOST);
    for (const place of asking) this.asked.add(place);
    return asking;
  }

  take(rows: readonly Row[]): void {
    for (const row of rows) {
      this.asked.delete(row.place);
      this.outdated.delete(row.place);
      this.rows.delete(row.place);
      this.rows.set(row.place, row);
    }
    for (const place of this.rows.keys()) {
      if (this.rows.size <= KEPT) break;
      this.rows.delete(place);
      this.outdated.delete(place);
    }
  }

  /** Has these rows asked for again, all of them where none are named; what is known stays shown until then. */
  stale(places: Iterable<number> = this.rows.keys()): void {
    for (const place of places) {
      if (this.rows.has(place)) this.outdated.add(place);
      // An answer that is on its way may be from before the change.
      this.asked.delete(place);
    }
  }

  /** Forgets everything, since the file or the run is another. */
  clear(): void {
    this.rows.clear();
    this.asked.clear();
    this.outdated.clear();
  }
}
