import { test } from 'tap';
import { FormData, fetch } from 'undici';
import { underAttack } from './support.ts';

const MiB = 1024 * 1024;

/** Unknown members of this size in bytes. */
function unknownMembers(bytes: number): string {
  const members: string[] = [];
  for (let length = 0, i = 0; length < bytes; i += 1) {
    const member = `"m${i}":0`;
    members.push(member);
    length += member.length + 1;
  }
  return members.join(',');
}

const odd = unknownMembers(15 * MiB);
const BODIES: [what: string, path: string, body: string][] = [
  ['unknown members', '/v1/rewards', `{${odd}}`],
  ['unknown members of the episode', '/v1/rewards', `{"episode":{"instruction":"Go.","fps":2,${odd}}}`],
  ['empty objects', '/v1/rewards', `{"episode":{"instruction":"Go.","fps":2},"frames":[${'{},'.repeat(5 * MiB)}{}]}`],
  ['numbers', '/v1/rewards', `{"episode":{"instruction":"Go.","timestamps_s":[${'0,'.repeat(7 * MiB)}0]}}`],
  ['lists in lists', '/v1/rewards', `${'['.repeat(7 * MiB)}${']'.repeat(7 * MiB)}`],
  ['empty items of a batch', '/v1/rewards/batch', `{"items":[${'{},'.repeat(5 * MiB)}{}]}`],
  ['empty episodes of a calibration', '/v1/calibrations', `{"episodes":[${'{},'.repeat(MiB)}{}]}`],
];

test('the service refuses JSON with too many members, objects, lists or numbers', async (t) => {
  await underAttack(t, {
    bounds: { addedMiB: 160 },
    async attack({ address }) {
      const headers = { 'content-type': 'application/json' };
      for (const [what, path, body] of BODIES) {
        const answer = await fetch(`${address}${path}`, { method: 'POST', headers, body });
        t.equal(answer.status, 422, what);
        t.match(await answer.json(), { code: 'invalid-request', detail: /The JSON has more than/ }, what);
      }
      const large = await fetch(`${address}/v1/rewards`, { method: 'POST', headers, body: `{${odd.repeat(4)}}` });
      t.equal(large.status, 413, 'a body of 60 MiB is not read');
      await large.body?.cancel();
    },
  });
});

test('the service refuses form parts with too many members', async (t) => {
  await underAttack(t, {
    bounds: { addedMiB: 100 },
    async attack({ address }) {
      for (const [name, path, content, status] of [
        ['episode', '/v1/rewards', `{"instruction":"Go.","fps":2,${unknownMembers(4 * MiB)}}`, 413],
        ['episode', '/v1/rewards', `{"instruction":"Go.","fps":2,${unknownMembers(MiB)}}`, 422],
        ['batch', '/v1/rewards/batch', `{"items":[{${odd}}]}`, 422],
      ] as const) {
        const body = new FormData();
        body.set(name, content);
        const answer = await fetch(`${address}${path}`, { method: 'POST', body });
        t.equal(answer.status, status, `${name}, ${content.length} bytes`);
        await answer.text();
      }
    },
  });
});
