import type { FastifyInstance } from 'fastify';
import { exampleProblem } from '../schemas/problem-examples.ts';
import { PROBLEM_CODES, PROBLEMS, type ProblemCode, problemType } from '../schemas/problem-kinds.ts';
import { pageHeaders } from '../src/http/page-headers.ts';
import { SERVICE } from '../src/process/version.ts';

const HEADERS = pageHeaders("style-src 'self'", "img-src 'self'");

/** A page for every kind of problem, at the path that is its `type`, and a page that lists them. */
export async function problemPages(app: FastifyInstance): Promise<void> {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS).type('text/html; charset=utf-8');
  });
  const schema = { hide: true };
  const list = page('Problems', listOf(PROBLEM_CODES), '.');
  app.get('/problems', { schema }, () => list);
  app.get('/problems/', { schema }, (_request, reply) => reply.redirect('../problems'));
  for (const code of PROBLEM_CODES) {
    const about = page(PROBLEMS[code].title, describe(code), '..');
    app.get(problemType(code), { schema }, () => about);
  }
}

function listOf(codes: ProblemCode[]): string {
  const rows = codes.map((code) => {
    const { status, title } = PROBLEMS[code];
    return `<tr><td>${status}</td><td><a href="problems/${code}"><code>${code}</code></a></td><td>${escaped(title)}</td></tr>`;
  });
  return `<p>Every error response of this service is an RFC 9457 problem with one of these codes.</p>
<table><thead><tr><th>Status</th><th>Code</th><th>Title</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table>`;
}

function describe(code: ProblemCode): string {
  const { status, help } = PROBLEMS[code];
  return `<p>Code <code>${code}</code>, HTTP status ${status}.</p>
<h2>What to do</h2>
<p>${marked(help)}</p>
<h2>Example</h2>
<pre tabindex="0"><code>${escaped(JSON.stringify(exampleProblem(code), null, 2))}</code></pre>
<p><a href="../problems">All problems</a></p>`;
}

/** @param root the service's root, relative to the page: a proxy may serve it below a path */
function page(title: string, body: string, root: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} · ${SERVICE.name}</title>
<link rel="icon" href="${root}/playground/icon.svg">
<link rel="stylesheet" href="${root}/playground/base.css">
<link rel="stylesheet" href="${root}/playground/problems.css">
</head>
<body>
<main class="problem-page">
<p><a href="${root}/">${SERVICE.name}</a> · <a href="${root}/docs">API reference</a></p>
<h1>${escaped(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

/** Text with backticks as HTML. */
function marked(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
