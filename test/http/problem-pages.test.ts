import t from 'tap';
import { PROBLEMS } from '../../schemas/problem-kinds.ts';
import { buildTestApp } from '../support/app.ts';
import { postEpisode } from '../support/forms.ts';

t.test('the type of a problem is the path of a page about it', async (t) => {
  const app = await buildTestApp(t);
  const { type, title } = JSON.parse((await postEpisode(app, { instruction: 'Open the drawer.' }, [])).body);
  const { statusCode, headers, body } = await app.inject(type);
  t.equal(statusCode, 200);
  t.match(headers['content-type'], /^text\/html/);
  t.match(headers['content-security-policy'], /default-src 'none'/);
  t.match(body, `<h1>${title}</h1>`);
});

t.test('every problem has a page with its status and what to do, and /problems lists them all', async (t) => {
  const app = await buildTestApp(t);
  const list = (await app.inject('/problems')).body;
  for (const [code, { status }] of Object.entries(PROBLEMS)) {
    t.match(list, `href="problems/${code}"`, code);
    const { statusCode, body } = await app.inject(`/problems/${code}`);
    t.equal(statusCode, 200, code);
    t.match(body, `HTTP status ${status}.`, code);
    t.match(body, /<h2>What to do<\/h2>\n<p>\S/, code);
    t.match(body, `"code": "${code}"`, 'an example');
    t.notMatch(body, /undefined|\[object/, code);
  }
  t.equal((await app.inject('/problems/no-such-problem')).statusCode, 404);
  t.match(await app.inject('/problems/'), { statusCode: 302, headers: { location: '../problems' } });
});
