/**
 * Frames between the engine and its PyTorch worker: the length of the JSON (u32) and of the tensors (u64), little-endian, then JSON
 * (UTF-8) and tensors in float32 as the bytes of a safetensors file, which may be none.
 */
import type { Socket } from "node:net";
import { encodeHeader } from "../../model/safetensors.ts";
import { headerLength, parseHeader } from "../../model/safetensorsHeader.ts";
import type { Parameter } from "../../model/weights.ts";

/** Named tensors. */
export type Tensors = ReadonlyMap<string, Parameter>;

/** What one frame says; `message` is not checked yet. */
export interface Frame {
  readonly message: unknown;
  readonly tensors: Tensors;
}

const startBytes = 12;
/** No honest message is longer: token ids of a batch and names of parameters. */
const longestMessage = 1 << 28;

/** Writes a frame; resolves when the socket takes more. */
export async function writeFrame(
  socket: Socket,
  message: object,
  tensors: Tensors = new Map(),
): Promise<void> {
  const json = Buffer.from(JSON.stringify(message));
  const list = [...tensors];
  const header = list.length > 0 ? encodeHeader(list, {}) : new Uint8Array();
  const bytes = list.reduce((sum, [, { data }]) => sum + data.byteLength, header.length);
  const start = Buffer.alloc(startBytes);
  start.writeUInt32LE(json.length, 0);
  start.writeBigUInt64LE(BigInt(bytes), 4);
  socket.cork();
  socket.write(start);
  socket.write(json);
  socket.write(header);
  for (const [, { data }] of list)
    socket.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  socket.uncork();
  if (socket.writableNeedDrain) await drained(socket);
}

/** Resolves when more may be written, or nothing more can be. Both listeners go: a run waits thousands of times. */
async function drained(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      socket.off("drain", end).off("close", end);
      resolve();
    };
    socket.on("drain", end).on("close", end);
  });
}

/**
 * The frames of a socket, until it closes.
 *
 * @throws Error for what is not a frame, and for a frame that is cut off.
 */
export async function* readFrames(socket: Socket): AsyncGenerator<Frame> {
  const reader = new ByteReader(socket);
  for (;;) {
    const start = await reader.read(startBytes);
    if (start === null) return;
    const length = start.readUInt32LE(0);
    if (length > longestMessage) throw new Error(`the worker announces a message of ${length} bytes`);
    const json = await reader.whole(length);
    const data = await reader.whole(Number(start.readBigUInt64LE(4)));
    yield { message: JSON.parse(json.toString("utf8")), tensors: decodeTensors(data) };
  }
}

/** @throws Error for tensors of another type than float32. */
function decodeTensors(bytes: Buffer): Tensors {
  const tensors = new Map<string, Parameter>();
  if (bytes.length === 0) return tensors;
  const what = "the worker's reply";
  const length = headerLength(bytes, bytes.length, what);
  const header = parseHeader(bytes.subarray(8, 8 + length), bytes.length, what);
  for (const [name, { dtype, shape, begin, end }] of header.tensors) {
    if (dtype !== "F32") throw new Error(`the worker sent "${name}" as ${dtype}`);
    // A copy of its own: aligned, and the frame is not kept for one of its tensors.
    tensors.set(name, { shape, data: new Float32Array(Uint8Array.from(bytes.subarray(begin, end)).buffer) });
  }
  return tensors;
}

/** Reads a socket by so many bytes at a time. */
class ByteReader {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.chunks = socket[Symbol.asyncIterator]();
  }

  /** null where the socket closes before the first byte. @throws Error where it closes behind it. */
  async read(length: number): Promise<Buffer | null> {
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      if (this.rest.length === 0) {
        const next = await this.chunks.next();
        if (next.done) {
          if (done === 0) return null;
          throw new Error("the worker's socket closed within a frame");
        }
        this.rest = next.value;
      }
      const count = this.rest.copy(bytes, done, 0, Math.min(length - done, this.rest.length));
      this.rest = this.rest.subarray(count);
      done += count;
    }
    return bytes;
  }

  async whole(length: number): Promise<Buffer> {
    const bytes = length === 0 ? Buffer.alloc(0) : await this.read(length);
    if (bytes === null) throw new Error("the worker's socket closed within a frame");
    return bytes;
  }
}
