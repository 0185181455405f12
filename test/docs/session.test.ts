import t from 'tap';
import { needing } from '../support/needs.ts';
import { scriptOf } from './blocks.ts';
import { parsePage } from './markdown.ts';
import { startSession } from './session.ts';

const needs = needing('curl', 'examples/python');
t.setTimeout(120_000);

/** A page whose blocks use what the ones before them left. The last ones are wrong. */
const PAGE = `# A page

\`\`\`sh run
cd examples
export GREETING=hello
echo http://127.0.0.1:8080
\`\`\`

\`\`\`text output
http://127.0.0.1:8080
\`\`\`

<!-- setup
echo 'told' > told.txt
-->

\`\`\`python file="letters.py"
LETTERS = "abc"
\`\`\`

\`\`\`python run
import os, letters
text = letters.LETTERS
\`\`\`

\`\`\`python run
print(text, os.environ["GREETING"], open("told.txt").read().strip(), os.path.basename(os.getcwd()))
\`\`\`

\`\`\`text output
abc hello told examples
\`\`\`

\`\`\`ts run
const { status }: Response = await fetch('http://127.0.0.1:8080/v1/model');
console.log(JSON.stringify({ status, at: Date.now() }));
\`\`\`

\`\`\`json output
{ "status": 200, "at": "…" }
\`\`\`

<!-- service: API_KEYS=lab=0123456789abcdef -->

\`\`\`sh run exit=22
curl -fsS http://127.0.0.1:8080/v1/model
\`\`\`

\`\`\`sh run
curl -sS http://127.0.0.1:8080/v1/model
\`\`\`

\`\`\`json output
{ "status": 200, "…": "…" }
\`\`\`

\`\`\`python run
undefined
\`\`\`
`;

t.test('blocks build on each other, and what differs from the page is found', needs, async (t) => {
  const { steps, faults } = scriptOf(parsePage('page.md', PAGE));
  t.strictSame(faults, []);
  const perform = await startSession(t, 'page.md');
  const found: string[] = [];
  for (const step of steps) {
    const fault = await perform(step);
    if (fault) found.push(`${fault.wrong} ${fault.printed}`);
  }
  t.equal(found.length, 2, found.join('\n'));
  t.match(found[0], /^\/status is 401 .*unauthorized/s);
  t.match(found[1], /^exit code 1, expected 0 .*page\.md:\d+.*NameError/s);
});
