/** Ranks from 1, in the order of the values. Equal values get the mean of their ranks. */
export function averageRanks(values: number[]): number[] {
  const groups = new Map<number, { value: number; count: number; rank: number }>();
  const groupOfEach = values.map((value) => {
    const group = groups.get(value) ?? { value, count: 0, rank: 0 };
    group.count += 1;
    groups.set(value, group);
    return group;
  });
  let below = 0;
  for (const group of [...groups.values()].sort((a, b) => a.value - b.value)) {
    group.rank = below + (group.count + 1) / 2;
    below += group.count;
  }
  return groupOfEach.map(({ rank }) => rank);
}
