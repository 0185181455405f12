/** Makes the text of TOPReward about an instruction from that of a profile. @param pattern with `{instruction}` */
export function statementOf(pattern: string | undefined): ((instruction: string) => string) | undefined {
  if (pattern === undefined) return undefined;
  const parts = pattern.split('{instruction}');
  return (instruction) => parts.join(instruction);
}
