import { STATUS_CODES } from 'node:http';
import { PROBLEMS, type ProblemCode } from '../../schemas/problem-kinds.ts';

const INTRODUCTION = `# Problems

Every error response is an [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem of the type \`application/problem+json\`. This page lists their
codes. \`npm run openapi\` writes it from \`schemas/problem-kinds.ts\`.

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

| Member | Meaning |
|---|---|
| \`type\` | Path of a page about this kind of problem. The service serves it. |
| \`code\` | The last part of \`type\`. Use it in programs: codes do not change. |
| \`title\`, \`status\` | The kind of problem in a few words, and the HTTP status. |
| \`detail\` | What is wrong in this request, and what to send instead. |
| \`instance\` | Id of the request, as in the header \`x-request-id\` and in the log. |
| \`pointer\` | JSON pointer to the wrong value. |
| \`frame\`, \`part\` | Number of the wrong frame, from 0; name of the wrong part of a form. |
| \`limit\` | The limit that the request exceeds. |
| \`retry_after_s\` | Seconds to wait before a retry, as in the header \`Retry-After\`. |
| \`errors\` | For \`invalid-request\`: up to eight mistakes, each with \`pointer\` and \`detail\`. |
| \`missing\` | For \`frames-missing\`: digests of the frames to send again. |

The last six are present where they help. A problem never repeats the instruction or the frames.

A streamed response has the status 200 before a problem can occur. The problem is then a line of its own: see [API](api.md).
`;

const NOT_REFUSED = `
## Accepted without a problem

The service accepts some frames that are not plain 8-bit RGB. It converts them as Pillow's \`convert("RGB")\` does in the reference:

- Greyscale frames and palettes become RGB.
- An alpha channel is dropped, not blended. The response has a warning.
- An EXIF orientation is ignored. The response has a warning.
- A colour profile is ignored.
`;

/** The text of docs/reference/problems.md. */
export function problemsPage(): string {
  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code].status);
  const sections = [...byStatus].map(([status, kinds]) => {
    const rows = kinds.map((code) => `| \`${code}\` | ${cell(PROBLEMS[code].title)}. ${cell(PROBLEMS[code].help)} |`);
    return `\n## ${status} ${STATUS_CODES[status]}\n\n| Code | Meaning, and what to do |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return `${INTRODUCTION}${sections.join('')}${NOT_REFUSED}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
