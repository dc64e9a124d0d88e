import * as z from "zod";

/** What computes a model: onnxruntime in this process, or PyTorch in Python processes beside it. */
export const backendNames = ["onnx", "torch"] as const;
export type BackendName = (typeof backendNames)[number];

/** A backend as a recipe, a command or a request names it. */
export const backendSchema = z.enum(["auto", ...backendNames]);

/** What is done with activations and weights where memory is short. */
export const memorySchema = z.enum(["auto", "keep", "recompute", "stream"]);
export type Memory = z.infer<typeof memorySchema>;

/** Types in which products with the model's weights are computed. */
export const computeTypeSchema = z.enum(["float32", "bfloat16"]);
export type ComputeType = z.infer<typeof computeTypeSchema>;

/** Machines that compute together. */
export const nodesSchema = z
  .strictObject({
    count: z.int().min(2).describe("Machines that take part"),
    rendezvous: z
      .string()
      .regex(/^\S+:\d+$/, "Write it as host:port.")
      .describe("Host and port at which their agents meet, as torchrun's --rdzv-endpoint"),
    id: z
      .string()
      .min(1)
      .default("discern")
      .describe("Name that the agents of one run share, as torchrun's --rdzv-id"),
  })
  .describe("Several machines; each of the others runs an agent of its own");

/** How the torch backend is started; nothing of it is read where another backend computes. */
export const torchSchema = z
  .strictObject({
    python: z
      .string()
      .min(1)
      .optional()
      .describe("Python with torch, transformers and peft; the first one found that has them where left out"),
    processes: z
      .union([z.int().positive(), z.literal("auto")])
      .default("auto")
      .describe("Processes on this machine; auto is one per GPU, and one on the CPU"),
    dtype: z
      .enum(["auto", ...computeTypeSchema.options])
      .default("auto")
      .describe(
        "Type of the model's weights and activations; adapters stay in float32. auto keeps the type of the model's file, halves as " +
          "bfloat16; where auto chose the backend it is the type that was measured",
      ),
    compile: z
      .boolean()
      .default(false)
      .describe("Compile blocks by torch.compile: a minute or more at the beginning, and faster steps"),
    shard: z
      .enum(["auto", "replicate", "shard"])
      .default("auto")
      .describe(
        "Whether every process holds the whole model or a share of it (FSDP2); auto replicates what fits on a GPU",
      ),
    nodes: nodesSchema.optional(),
  })
  .describe("How the torch backend is started");
export type TorchOptions = z.infer<typeof torchSchema>;

/** What stays in memory, what is recomputed and what is read anew, as it was planned before the work began. */
export const memoryPlanSchema = z.looseObject({
  mode: memorySchema.exclude(["auto"]),
  dtype: computeTypeSchema.optional().describe("Of the torch backend: type of the weights"),
  peakBytes: z.number().describe("Estimated peak on the device where the model is computed"),
  hostBytes: z
    .number()
    .optional()
    .describe("Of the torch backend: estimated peak of this machine's memory, all processes together"),
  availableBytes: z
    .number()
    .nullable()
    .optional()
    .describe("Memory that was available when it was planned; null where that is not known"),
  text: z.string().describe("The plan in one sentence or more, for people"),
});

export type MemoryPlanRecord = z.infer<typeof memoryPlanSchema>;

/** What computes a model, as manifest, events and report state it beside the device. */
export const backendRecordSchema = z.object({
  name: z.enum(backendNames),
  version: z.string().describe("Of onnxruntime-node, or of torch"),
  deviceName: z
    .string()
    .nullable()
    .describe("The GPU or processor by its own name, where that is known; several are joined by commas"),
  dtype: computeTypeSchema.describe("Type in which products with the model's weights are computed"),
  processes: z.int().positive().describe("Processes that share the work, on all machines together"),
  nodes: z.int().positive().optional().describe("Machines, where there are several"),
  compiled: z.boolean().optional().describe("Whether blocks were compiled by torch.compile"),
  sharded: z.boolean().optional().describe("Whether processes hold shares of the model instead of all of it"),
  python: z
    .object({ path: z.string(), version: z.string(), packages: z.record(z.string(), z.string()) })
    .optional()
    .describe("Of the torch backend: its Python, and the versions of what it computes with"),
});
export type BackendRecord = z.infer<typeof backendRecordSchema>;

/** A backend with what is worth telling of it in a few words: "torch 2.15.0, bfloat16, 2 processes on NVIDIA H100". */
export function backendWords({ name, version, dtype, processes, nodes, deviceName }: BackendRecord): string {
  const many =
    processes === 1 ? "" : `, ${processes} processes${nodes === undefined ? "" : ` on ${nodes} machines`}`;
  return `${name} ${version}, ${dtype}${many}${deviceName === null ? "" : ` on ${deviceName}`}`;
}
