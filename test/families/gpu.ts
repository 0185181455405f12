// GPU memory by arithmetic, as docs/how-to/serve-a-model.md explains it. The sizes of the models are from memory.

/** One model of a profile. */
interface Size {
  name: string;
  /** bytes of the weights in bf16 */
  weights: number;
  layers: number;
  /** heads of keys and values, and how wide each is */
  heads: number;
  width: number;
  /** tokens of a frame of 244 px, with its markup */
  tokens: number;
}

/** By profile. */
const SIZES: { [profile: string]: Size[] } = {
  'qwen2.5-vl': [
    { name: 'Qwen2.5-VL 3B', weights: 7.5e9, layers: 36, heads: 2, width: 128, tokens: 83 },
    { name: 'Qwen2.5-VL 7B', weights: 16.6e9, layers: 28, heads: 4, width: 128, tokens: 83 },
  ],
  internvl: [{ name: 'InternVL3 8B', weights: 15.9e9, layers: 28, heads: 4, width: 128, tokens: 259 }],
  smolvlm: [{ name: 'SmolVLM2 2.2B', weights: 4.5e9, layers: 24, heads: 32, width: 64, tokens: 67 }],
};

const MiB = 1024 * 1024;
/** Memory as nvidia-smi reports it, MiB. */
const CARDS = { L4: 23_034, L40S: 46_068, H100: 81_559, H200: 143_771 };
const ACTIVATIONS = 2.5e9;
/** Frames in 60 s. */
const FRAMES = 120;

const bytesPerToken = ({ layers, heads, width }: Size) => 2 * layers * heads * width * 2;
const episodeBytes = (size: Size) => FRAMES * size.tokens * bytesPerToken(size);
const fitting = (size: Size, card: keyof typeof CARDS) =>
  Math.floor((0.9 * CARDS[card] * MiB - size.weights - ACTIVATIONS) / episodeBytes(size));

/** The rows of the table about GPU memory. */
export function gpuRows(): string[] {
  const cards = Object.keys(CARDS) as (keyof typeof CARDS)[];
  const head = [
    `| Model | weights, bf16 | KV for one token | tokens of 60 s of video | KV for 60 s | ${cards.join(' | ')} |`,
    `|${'---|'.repeat(5 + cards.length)}`,
  ];
  const rows = Object.values(SIZES)
    .flat()
    .map((size) =>
      [
        size.name,
        `${(size.weights / 1e9).toFixed(1)} GB`,
        `${bytesPerToken(size) / 1024} KiB`,
        (FRAMES * size.tokens).toLocaleString('en'),
        `${(episodeBytes(size) / 1e9).toFixed(2)} GB`,
        ...cards.map((card) => fitting(size, card)),
      ].join(' | '),
    );
  return [...head, ...rows.map((row) => `| ${row} |`)];
}

/** How many episodes of 60 s an H100 holds, for the largest model of a profile. @returns undefined if it is not calculated here */
export function onH100(profile: string): string | undefined {
  const size = SIZES[profile]?.at(-1);
  return size && `${size.name}: ${fitting(size, 'H100')}`;
}
