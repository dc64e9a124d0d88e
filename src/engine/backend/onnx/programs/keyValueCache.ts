import type { Device } from "../runtime/device.ts";
import type { Value } from "../runtime/value.ts";

/**
 * The keys and values of a batch that is being generated, `<layer>.key` and `<layer>.value`, (B, K, P, D) each: the
 * rows have room for P tokens.
 */
export class KeyValueCache {
  private readonly device: Device;
  private readonly values = new Map<string, Value>();

  /** @param outputs what a prefill returned; of these the ones named `present.…` are the caches. */
  constructor(device: Device, outputs: Record<string, Value>) {
    this.device = device;
    this.adopt(outputs);
  }

  get batch(): number {
    return this.shape[0];
  }

  get capacity(): number {
    return this.shape[2];
  }

  /** What a step reads. */
  get feeds(): Record<string, Value> {
    return Object.fromEntries([...this.values].map(([key, value]) => [`past.${key}`, value]));
  }

  /**
   * Takes in what a step returned: on a device that keeps values in buffers the new caches, else each row's token
   * (B, K, 1, D), which is written to its place.
   */
  add(outputs: Record<string, Value>, places: readonly number[]): void {
    if (this.device.resident) {
      this.adopt(outputs);
      return;
    }
    for (const [key, cache] of this.values) {
      const token = outputs[`added.${key}`].data;
      const [, heads, capacity, width] = cache.shape;
      for (const [row, place] of places.entries()) {
        for (let head = row * heads; head < (row + 1) * heads; head++) {
          const from = head * width;
          cache.data.set(token.subarray(from, from + width), (head * capacity + place) * width);
        }
      }
    }
  }

  /**
   * Keeps some rows, in a batch of another size; rows beyond them hold whatever was there.
   *
   * @param rows ascending.
   */
  async keep(rows: readonly number[], batch: number): Promise<void> {
    for (const [key, value] of [...this.values]) {
      const data = await this.device.download(value);
      const width = data.length / value.shape[0];
      for (const [to, from] of rows.entries()) data.copyWithin(to * width, from * width, (from + 1) * width);
      const shape = [batch, ...value.shape.slice(1)];
      this.replace(key, await this.device.upload(data.subarray(0, batch * width), shape));
    }
  }

  dispose(): void {
    for (const value of this.values.values()) value.dispose();
  }

  private get shape(): readonly number[] {
    return ([...this.values.values()][0] as Value).shape;
  }

  private adopt(outputs: Record<string, Value>): void {
    for (const [name, value] of Object.entries(outputs)) {
      const [, key] = /^present\.(.+)$/.exec(name) ?? [];
      if (key !== undefined) this.replace(key, value);
    }
  }

  private replace(key: string, value: Value): void {
    const old = this.values.get(key);
    if (old !== value) old?.dispose();
    this.values.set(key, value);
  }
}
