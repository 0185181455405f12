import { STATUS_CODES } from 'node:http';
import { Problem } from '../../schemas/problem.ts';
import { PROBLEM_CODES, PROBLEMS } from '../../schemas/problem-kinds.ts';

const INTRODUCTION = `# Problems

Every error response is an [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem of the type \`application/problem+json\`. This page describes its
members and lists the codes. \`npm run openapi\` writes it from \`schemas/problem.ts\` and \`schemas/problem-kinds.ts\`.

\`\`\`json
{
  "type": "/problems/image-damaged",
  "title": "A frame is truncated or damaged",
  "status": 422,
  "code": "image-damaged",
  "detail": "The frame is truncated or damaged and cannot be decoded.",
  "instance": "5f0c3f2e-6d0b-4a41-9d0a-0c4f6a8a2d11",
  "frame": 17,
  "part": "frames"
}
\`\`\`

`;

const AFTER_MEMBERS = `
A problem does not repeat the frames. It does not repeat the instruction, except a control token in it (\`special-token-text\`).

A streamed response has the status 200 before a problem can occur. The problem is then a line of its own: see [Lines](api.md#lines).
`;

const NOT_REFUSED = `
## Accepted without a problem

The service accepts some frames that are not plain 8-bit RGB. It converts them as Pillow's \`convert("RGB")\` does in the reference:

- Grey frames and palettes become RGB.
- An alpha channel is dropped, not blended. The response has a warning.
- An EXIF orientation is ignored. The response has a warning.
- A colour profile is ignored.
`;

/** The members of a problem, with the descriptions of the contract. */
function membersTable(): string {
  const { properties, required } = Problem as unknown as {
    properties: Record<string, { description: string }>;
    required: string[];
  };
  const rows = Object.entries(properties).map(([name, { description }]) => {
    // In the contract this description ends with a list of the codes. The page lists them below.
    const [text = ''] = description.split(' Today’s codes:');
    return `| \`${name}\` | ${cell(text)} |`;
  });
  const [firstOptional] = Object.keys(properties).filter((name) => !required.includes(name));
  const note = `The members from \`${firstOptional}\` on are optional.`;
  return `| Member | Meaning |\n|---|---|\n${rows.join('\n')}\n\n${note}\n`;
}

/** The text of docs/reference/problems.md. */
export function problemsPage(): string {
  const byStatus = Map.groupBy(PROBLEM_CODES, (code) => PROBLEMS[code].status);
  const sections = [...byStatus].map(([status, kinds]) => {
    const rows = kinds.map((code) => `| \`${code}\` | ${cell(PROBLEMS[code].title)}. ${cell(PROBLEMS[code].help)} |`);
    return `\n## ${status} ${STATUS_CODES[status]}\n\n| Code | Meaning, and what to do |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return `${INTRODUCTION}${membersTable()}${AFTER_MEMBERS}${sections.join('')}${NOT_REFUSED}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
