import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import type { TokenizerFile } from "./tokenizerCheck.ts";
import { type EffectiveTokenizer, effectiveTokenizer, type TokenizerFiles } from "./tokenizerConfig.ts";
import { RustTokenizer } from "./tokenizerLibrary.ts";

const settingsSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  model_max_length: z.number().nullish(),
  truncation_side: z.enum(["left", "right"]).nullish(),
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  trim_offsets: z.boolean().nullish(),
});
type Settings = z.infer<typeof settingsSchema>;

const modelSchema = z.looseObject({
  model_type: z.string().optional(),
  tokenizer_class: z.string().nullish(),
  max_position_embeddings: z.int().positive().nullish(),
  pad_token_id: z.int().nonnegative().nullish(),
});
type ModelConfig = z.infer<typeof modelSchema>;

/** Families whose positions begin behind the padding token's id. */
const shifted = new Set(["roberta", "camembert", "xlm-roberta", "xlm-roberta-xl", "data2vec-text"]);

/**
 * The tokenizer of an encoder model: texts with the tokens that begin, part and end them, cut to what the model holds. Ids are
 * those of transformers (5.24) for the same files, as its classes make them; a class that is not known is refused.
 */
export class EncoderTokenizer {
  readonly padId: number;
  /** Tokens after which a text, or a pair of texts, is cut; those of the post-processor are among them. */
  readonly longest: number;
  private readonly tokenizer: RustTokenizer;

  /**
   * @param config the model's `config.json`.
   * @param longest cuts earlier than the model has to.
   * @throws DiscernError `tokenizer-unsupported`, naming the class or option; `model-invalid` where nothing says how long a text may be.
   */
  constructor(files: TokenizerFiles, config: unknown, longest = Number.POSITIVE_INFINITY) {
    const model = modelSchema.safeParse(config).data ?? {};
    const settings = settingsSchema.safeParse(files.config).data ?? {};
    const { file, named } = byClass(effectiveTokenizer(files, config), settings, model);
    this.tokenizer = new RustTokenizer(file);
    const pad = named.get("pad_token");
    this.padId = (pad === undefined ? null : this.tokenizer.id(pad)) ?? model.pad_token_id ?? 0;
    this.longest = Math.min(longest, longestOf(settings, model));
    this.tokenizer.cutTo(this.longest, settings.truncation_side ?? "right");
  }

  /** Tokens of a text, or of a pair, with the segment of each. A second text without characters is none, as in transformers. */
  async encode(text: string, second: string | null = null): Promise<{ ids: number[]; types: number[] }> {
    const { ids, types } = await this.tokenizer.encode(text, true, second || null);
    return { ids, types };
  }
}

function longestOf({ model_max_length }: Settings, model: ModelConfig): number {
  const { max_position_embeddings: positions, pad_token_id, model_type = "" } = model;
  const held =
    positions == null
      ? Number.POSITIVE_INFINITY
      : positions - (shifted.has(model_type) ? (pad_token_id ?? 1) + 1 : 0);
  const longest = Math.min(held, model_max_length ?? Number.POSITIVE_INFINITY);
  // transformers writes 10³⁰ where it knows no length.
  if (longest > 0 && longest < 1e9) return longest;
  throw new DiscernError(
    "model-invalid",
    "Neither config.json (max_position_embeddings) nor tokenizer_config.json (model_max_length) says how many tokens the classifier " +
      "reads. Add one of them.",
  );
}

/** What transformers' class makes of a tokenizer.json. */
function byClass(effective: EffectiveTokenizer, settings: Settings, model: ModelConfig): EffectiveTokenizer {
  const said = settings.tokenizer_class ?? model.tokenizer_class ?? "";
  const name = said.replace(/Fast$/, "");
  if (["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"].includes(name))
    return asBert(effective, settings);
  if (name === "RobertaTokenizer") return asRoberta(effective, settings);
  if (["", "PreTrainedTokenizer", "TokenizersBackend"].includes(name)) return effective;
  throw new DiscernError(
    "tokenizer-unsupported",
    `tokenizer_config.json: the tokenizer class ${said} is not known for classifiers. Known: BertTokenizer, DistilBertTokenizer, ` +
      "ElectraTokenizer, RobertaTokenizer, and PreTrainedTokenizerFast, which takes tokenizer.json as it is.",
  );
}

function asBert({ file, named }: EffectiveTokenizer, settings: Settings): EffectiveTokenizer {
  const [cls, sep] = [tokenOf(file, named, "cls_token", "[CLS]"), tokenOf(file, named, "sep_token", "[SEP]")];
  const piece = ({ text }: NamedToken, type_id: number) => ({ SpecialToken: { id: text, type_id } });
  const sequence = (id: "A" | "B", type_id: number) => ({ Sequence: { id, type_id } });
  return {
    named,
    file: {
      ...file,
      normalizer: {
        type: "BertNormalizer",
        clean_text: true,
        handle_chinese_chars: settings.tokenize_chinese_chars ?? true,
        strip_accents: settings.strip_accents ?? null,
        lowercase: settings.do_lower_case ?? true,
      },
      pre_tokenizer: { type: "BertPreTokenizer" },
      post_processor: {
        type: "TemplateProcessing",
        single: [piece(cls, 0), sequence("A", 0), piece(sep, 0)],
        pair: [piece(cls, 0), sequence("A", 0), piece(sep, 0), sequence("B", 1), piece(sep, 1)],
        special_tokens: Object.fromEntries(
          [cls, sep].map(({ text, id }) => [text, { id: text, ids: [id], tokens: [text] }]),
        ),
      },
    },
  };
}

function asRoberta({ file, named }: EffectiveTokenizer, settings: Settings): EffectiveTokenizer {
  const [cls, sep] = [tokenOf(file, named, "cls_token", "<s>"), tokenOf(file, named, "sep_token", "</s>")];
  const [add_prefix_space, trim_offsets] = [
    settings.add_prefix_space ?? false,
    settings.trim_offsets ?? true,
  ];
  return {
    named,
    file: {
      ...file,
      normalizer: null,
      pre_tokenizer: { type: "ByteLevel", add_prefix_space, trim_offsets: true, use_regex: true },
      post_processor: {
        type: "RobertaProcessing",
        ...{ add_prefix_space, trim_offsets },
        sep: [sep.text, sep.id],
        cls: [cls.text, cls.id],
      },
    },
  };
}

interface NamedToken {
  readonly text: string;
  readonly id: number;
}

/** A token that the files name, or that the class takes where they name none. */
function tokenOf(
  { added_tokens = [], model: { vocab } }: TokenizerFile,
  named: ReadonlyMap<string, string>,
  name: string,
  otherwise: string,
): NamedToken {
  const text = named.get(name) ?? otherwise;
  const own = Array.isArray(vocab) ? undefined : (vocab as Record<string, number>)[text];
  const id = added_tokens.find(({ content }) => content === text)?.id ?? own;
  if (id !== undefined) return { text, id };
  throw new DiscernError(
    "tokenizer-unsupported",
    `tokenizer.json has no token ${JSON.stringify(text)}, which is the ${name}.`,
  );
}
