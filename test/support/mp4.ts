/** What a forged MP4 claims. */
export interface Claims {
  tracks?: number;
  /** in the table of sizes of each track */
  samples?: number;
  /** bytes of each sample */
  sampleBytes?: number;
  /** in the table of durations; as many as samples where it is not given */
  durations?: number;
  /** edits of each track that show all of it */
  edits?: number;
  /** bytes of media that the file holds */
  held?: number;
  /** sound with a sample for every tick, instead of pictures */
  sound?: boolean;
  /** samples in a chunk: all of them where it is not given */
  perChunk?: number;
  /** more boxes in each track */
  extra?: Buffer[];
  /** more boxes beside the description of the samples */
  description?: Buffer[];
  /** samples of one fragment behind the index, none of which has a size of its own */
  inFragment?: number;
}

/** Numbers of 32 bits. */
export const u32 = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * index);
  return bytes;
};

export const box = (type: string, ...content: Buffer[]): Buffer => {
  const bytes = Buffer.concat(content);
  return Buffer.concat([u32(bytes.length + 8), Buffer.from(type, 'latin1'), bytes]);
};

/** A box with a version and flags, all 0. */
export const fullBox = (type: string, ...content: Buffer[]): Buffer => box(type, u32(0), ...content);

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
/** Parameter sets of H.264, 64×64. */
const AVC_CONFIGURATION = Buffer.from('0142c00affe100046742c00a01000468ce3880', 'hex');

/** An MP4 whose index claims what it is told to. By default it has a track of one sample, and no picture in it. */
export function forgedMp4(claims: Claims = {}): Buffer {
  const { tracks = 1, held = 1000, inFragment } = claims;
  const start = box('ftyp', Buffer.from('isom'), u32(512), Buffer.from('isomiso2avc1mp41'));
  const index = box(
    'moov',
    fullBox('mvhd', u32(0, 0, 1000, 1000, 0x10000, 0x01000000, 0, 0), MATRIX, Buffer.alloc(24), u32(tracks + 1)),
    ...Array.from({ length: tracks }, (_, number) => track(number + 1, start.length + 8, claims)),
    ...(inFragment === undefined ? [] : [box('mvex', fullBox('trex', u32(1, 1, 1, 1, 0)))]),
  );
  const fragment = box(
    'moof',
    fullBox('mfhd', u32(1)),
    box('traf', fullBox('tfhd', u32(1)), fullBox('trun', u32(inFragment ?? 0))),
  );
  return Buffer.concat([
    start,
    box('mdat', Buffer.alloc(held)),
    index,
    ...(inFragment === undefined ? [] : [fragment, box('mdat', Buffer.alloc(8))]),
  ]);
}

function track(id: number, mediaAt: number, claims: Claims): Buffer {
  const { samples = 1, sampleBytes = 1, durations = samples, edits = 0, sound = false, extra = [] } = claims;
  const { perChunk = samples, description = [] } = claims;
  const pictures = box(
    'avc1',
    ...[Buffer.alloc(6), Buffer.from([0, 1]), Buffer.alloc(16), Buffer.from([0, 64, 0, 64])],
    ...[u32(0x480000, 0x480000, 0), Buffer.from([0, 1]), Buffer.alloc(32), Buffer.from([0, 24, 0xff, 0xff])],
    box('avcC', AVC_CONFIGURATION),
    ...description,
  );
  const tones = box(
    'sowt',
    Buffer.alloc(6),
    Buffer.from([0, 1]),
    u32(0, 0),
    Buffer.from([0, 1, 0, 16]),
    u32(0, 48000 << 12),
  );
  const whole = [samples * 30, 0, 0x10000];
  return box(
    'trak',
    fullBox('tkhd', u32(0, 0, id, 0, samples), Buffer.alloc(16), MATRIX, u32(64 << 16, 64 << 16)),
    ...(edits > 0 ? [box('edts', fullBox('elst', u32(edits, ...Array(edits).fill(whole).flat())))] : []),
    box(
      'mdia',
      fullBox('mdhd', u32(0, 0, sound ? 48000 : 30, samples), Buffer.from([0x55, 0xc4, 0, 0])),
      fullBox('hdlr', u32(0), Buffer.from(sound ? 'soun' : 'vide'), u32(0, 0, 0), Buffer.from('x\0')),
      box(
        'minf',
        box('dinf', fullBox('dref', u32(1), fullBox('url '))),
        box(
          'stbl',
          fullBox('stsd', u32(1), sound ? tones : pictures),
          fullBox('stts', u32(1, durations, 1)),
          fullBox('stsc', u32(1, 1, perChunk, 1)),
          fullBox('stsz', u32(sampleBytes, samples)),
          fullBox('stco', u32(1, mediaAt)),
        ),
      ),
    ),
    ...extra,
  );
}

/** A table of sizes in a place where ffmpeg finds it and no walk from box to box does. */
export const hiddenSizes = (samples: number): Buffer =>
  box('meta', u32(0), box('free', u32(8), Buffer.from('hdlr'), fullBox('stsz', u32(1, samples))));
