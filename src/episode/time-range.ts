/** The time range of the episode in a video, in seconds on the file's own timeline: from ≤ time < to. */
export interface TimeRange {
  fromS: number | undefined;
  toS: number | undefined;
}
