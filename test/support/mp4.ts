/** What the index of a forged MP4 claims. */
export interface Claims {
  tracks?: number;
  /** samples in the table of sizes of each track */
  samples?: number;
  /** bytes of each sample */
  sampleBytes?: number;
  /** samples in the table of durations; the default is `samples` */
  durations?: number;
  /** edits of each track; each shows the complete track */
  edits?: number;
  /** bytes of media in the file */
  held?: number;
  /** sound with one sample per tick, instead of video */
  sound?: boolean;
  /** samples per chunk; the default is all samples */
  perChunk?: number;
  /** more boxes in each track */
  extra?: Buffer[];
  /** more boxes inside the sample description */
  description?: Buffer[];
  /** samples of one fragment after the index; none has its own size */
  inFragment?: number;
}

/** Encodes big-endian numbers of 32 bits. */
export const u32 = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * index);
  return bytes;
};

export const box = (type: string, ...content: Buffer[]): Buffer => {
  const bytes = Buffer.concat(content);
  return Buffer.concat([u32(bytes.length + 8), Buffer.from(type, 'latin1'), bytes]);
};

/** Makes a box with version 0 and flags 0. */
export const fullBox = (type: string, ...content: Buffer[]): Buffer => box(type, u32(0), ...content);

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
/** H.264 parameter sets for 64×64 pixels. */
const AVC_CONFIGURATION = Buffer.from('0142c00affe100046742c00a01000468ce3880', 'hex');

/** Makes an MP4 whose index has the given claims. By default it has one track with one sample, which is not a valid frame. */
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

/** Makes a table of sizes in a place where ffmpeg finds it, but a walk from box to box does not. */
export const hiddenSizes = (samples: number): Buffer =>
  box('meta', u32(0), box('free', u32(8), Buffer.from('hdlr'), fullBox('stsz', u32(1, samples))));
